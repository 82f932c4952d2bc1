"""What work on a cluster is made of, without one."""

import socket
import sys
from pathlib import Path

import pytest

from core import cli
from core.cluster import connection, packing
from core.cluster.connection import Demand, connected
from core.cluster.mailbox import Mailbox, Packet, Sender
from core.cluster.packing import pack
from core.errors import UserError
from core.policy import policy
from core.policy.permissions import OWNER, STRANGER, acting_as
from core.runs import events
from core.runs.events import Event, Note, Preview


@pytest.mark.parametrize(
    ("demand", "resources", "room"),
    [
        (Demand(), {"CPU": 4.0}, 4),
        (Demand(3), {"CPU": 8.0, "memory": 1e9}, 2),
        (Demand(2, 1), {"CPU": 16.0, "GPU": 4.0}, 4),
        (Demand(2, 1), {"CPU": 16.0}, 0),
        (Demand(0.5), {}, 0),
    ],
)
def test_a_node_has_room_for_as_many_workers_as_fit(
    demand: Demand, resources: dict[str, float], room: int
) -> None:
    assert demand.fits(resources) == room


def test_without_ray_the_command_says_what_to_install(
    tmp_path: Path, saved_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "a.jpg").write_bytes(b"")
    command = ["predict", str(tmp_path), "--model", str(saved_model), "--out", str(tmp_path / "o")]
    assert cli.main([*command, "--ray", "auto"]) == 1
    assert "Ray is not installed here: pip install -r requirements-cluster.txt" in capsys.readouterr().err


def test_an_address_where_no_cluster_answers_is_said_at_once() -> None:
    pytest.importorskip("ray")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{taken.getsockname()[1]}"  # bound, but nobody listens
        with acting_as(OWNER), pytest.raises(UserError, match="No Ray cluster answers"), connected(closed):
            pass
    with acting_as(OWNER), pytest.raises(UserError, match="names no cluster"), connected("nonsense"):
        pass


@pytest.mark.parametrize("options", [["--worker-cpus", "0"], ["--worker-gpus", "-1"]])
def test_demands_that_make_no_sense_are_refused(
    tmp_path: Path, saved_model: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["predict", str(tmp_path), "--model", str(saved_model), "--out", str(tmp_path / "o")]
    assert cli.main([*command, "--ray", "auto", *options]) == 1
    assert "--worker-cpus must be above 0" in capsys.readouterr().err


def test_a_stranger_on_a_public_server_cannot_connect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "studio.toml").write_text("public = true\n")
    monkeypatch.setenv(policy.VARIABLE, str(tmp_path / "studio.toml"))
    with acting_as(STRANGER), pytest.raises(UserError, match="may start trainings"):
        connected("auto")


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "node").mkdir()
    for module in (connection, packing):
        monkeypatch.setattr(module, "node_folder", lambda: tmp_path / "node")
    return tmp_path / "node"


def test_a_data_set_is_unpacked_once_on_a_node_and_again_once_it_has_changed(
    small_data: Path, node: Path
) -> None:
    first = pack(small_data)
    there = first.unpacked()
    assert there.is_relative_to(node)
    assert sorted(p.name for p in (there / "images").iterdir()) == [f"{i:02d}.jpg" for i in range(10)]
    (there / "mark").touch()
    assert (first.unpacked() / "mark").exists()  # not unpacked again
    (small_data / "images" / "00.jpg").unlink()
    assert not (pack(small_data).unpacked() / "mark").exists()


def test_a_single_file_travels_too(tmp_path: Path, node: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"weights")
    assert pack(tmp_path / "model.onnx").unpacked().read_bytes() == b"weights"


def test_a_node_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.tempfile, "gettempdir", lambda: str(tmp_path))
    assert connection.node_folder().stat().st_mode & 0o077 == 0
    monkeypatch.setattr(connection.os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    (tmp_path / f"segmentation-studio-{tmp_path.stat().st_uid + 1}").mkdir()
    with pytest.raises(UserError, match="belongs to somebody else"):
        connection.node_folder()


def test_files_are_sent_when_they_change_and_name_the_data_set_as_at_home(tmp_path: Path) -> None:
    posted: list[Packet] = []
    (tmp_path / "state.safetensors").write_bytes(b"of before")

    def post(packet: Packet) -> bool:
        posted.append(packet)
        return len(posted) > 1

    sender = Sender(tmp_path, post, ("/tmp/unpacked/x", "/home/me/x"))
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / "studio.json").write_text('{"data": "/tmp/unpacked/x"}')
    said: list[Event] = [Note("Hello."), Preview(1, ["previews/1.png"])]
    for event in said:
        sender(event)
    assert [list(events.from_lines(packet.lines)) for packet in posted if packet.lines][-1][-1] == said[-1]
    files = {name: content for packet in posted for name, content in packet.files.items()}
    assert files == {"best/studio.json": b'{"data": "/home/me/x"}'}  # not what was there before
    sender.send()
    assert posted[-1].files == {} and sender.should_stop()


def test_the_state_follows_every_ten_seconds_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted: list[Packet] = []
    sender = Sender(tmp_path, lambda packet: bool(posted.append(packet)), ("/x", "/x"))
    sent = []
    for content, clock, is_last in ((b"1", 100.0, False), (b"22", 105.0, False), (b"333", 111.0, False),
                                    (b"4444", 112.0, False), (b"4444", 113.0, True)):  # fmt: skip
        monkeypatch.setattr("core.cluster.mailbox.time.monotonic", lambda now=clock: now)
        (tmp_path / "state.safetensors").write_bytes(content)
        sender.send(is_last)
        sent.append(posted[-1].files.get("state.safetensors"))
    assert sent == [b"1", None, b"333", None, b"4444"]


def test_a_mailbox_gives_each_packet_once_and_answers_whether_to_stop() -> None:
    box = Mailbox()
    assert not box.post(Packet(("a",)))
    box.stop()
    assert box.post(Packet(("b",)))
    assert [packet.lines for packet in box.take()] == [("a",), ("b",)] and not box.take()
