"""Videos from strangers: known by what is in them, counted frame by frame, kept only when they are one."""

import io
from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import UserError
from core.inference import clips
from core.inference.clips import Clip, clip_cost, frames, keep_clip, opened, read_clip, video_of
from core.policy.policy import VARIABLE
from core.system import scratch, workspace


class Pipe:
    """A file that cannot seek back: what is written to it has no duration in its header."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, data: bytes) -> int:
        self.content += data
        return len(data)


def film(seconds: float, form: str = "matroska", rate: int = 10) -> bytes:
    pipe: Pipe | io.BytesIO = Pipe() if form == "matroska" else io.BytesIO()
    with av.open(pipe, "w", format=form) as out:
        stream = out.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(round(seconds * rate)):
            picture = np.full((48, 64, 3), number % 256, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    return bytes(pipe.content) if isinstance(pipe, Pipe) else pipe.getvalue()


def kept() -> list[Path]:
    return list((workspace.cache() / "videos").glob("*"))


@pytest.fixture
def two_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "studio.toml").write_text("public = true\nvideo_seconds = 2\nphoto_megapixels = 1\n")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "studio.toml"))


def test_a_film_that_keeps_its_length_to_itself_is_counted(two_seconds: None) -> None:
    content = film(1.5)
    with av.open(io.BytesIO(content)) as container:
        assert not container.duration and not container.streams.video[0].duration  # nothing is stated
    clip = read_clip(content, "a.mkv")
    assert clip.frames == 15 and clip.seconds == pytest.approx(1.5, abs=0.11)
    with pytest.raises(UserError, match="longer than 2 s"):
        keep_clip(film(4), "a.mkv", "me")
    assert kept() == []


def test_decoding_ends_with_the_seconds_whatever_was_read_before(two_seconds: None) -> None:
    content = film(6)
    with opened(content, "a") as container:
        done = 0
        with pytest.raises(UserError, match="longer than 2 s"):
            for _ in frames(container, video_of(container, "a"), "a"):
                done += 1
    assert 20 <= done <= 26


def test_more_frames_than_a_camera_takes_are_a_longer_film(
    two_seconds: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "MAX_RATE", 4)
    with pytest.raises(UserError, match="longer than 2 s"):
        read_clip(film(1.2), "a.mkv")


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile real.mp4\n" * 3,
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nreal.mp4\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        "<?xml version='1.0'?><MPD><Period/></MPD>",
    ],
    ids=["ffconcat", "m3u8", "sdp", "dash"],
)
def test_lists_of_other_files_are_no_films_whatever_they_are_called(tmp_path: Path, text: str) -> None:
    (tmp_path / "real.mp4").write_bytes(film(1, "mp4"))
    (tmp_path / "list.mp4").write_text(text)
    assert read_clip(tmp_path / "real.mp4").frames == 10
    for source in (tmp_path / "list.mp4", (tmp_path / "list.mp4").read_bytes()):
        with pytest.raises(UserError, match="cannot be read as a video"):
            read_clip(source, "list.mp4")


@pytest.mark.parametrize(
    "start", [b"", b"\0\0\0\x20ftypisom", b"\x1a\x45\xdf\xa3", b"GIF89a", b"RIFF\0\0\0\0AVI "]
)
def test_what_proves_to_be_no_film_is_never_on_the_disk(start: bytes) -> None:
    noise = np.random.default_rng(0).integers(0, 256, 200_000, np.uint8).tobytes()
    with pytest.raises(UserError):
        keep_clip(start + noise, "a.mp4", "me")
    assert kept() == []


def test_a_film_is_kept_for_one_visitor_and_not_for_another() -> None:
    content = film(1, "mp4")
    mine, clip, frame = keep_clip(content, "a.mp4", "me")
    assert mine.read_bytes() == content and frame.shape == (48, 64, 3) and clip.frames == 10
    assert keep_clip(content, "a.mp4", "me")[0] == mine != keep_clip(content, "a.mp4", "you")[0]


def test_frames_larger_than_the_server_takes_are_refused(
    two_seconds: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "read_clip", lambda *_: Clip(4000, 3000, 25, 1, 25))
    with pytest.raises(UserError, match="12 megapixels; this server accepts 1"):
        keep_clip(film(1), "a.mkv", "me")


def test_a_film_counts_by_its_frames_and_their_pixels() -> None:
    assert clip_cost(Clip(64, 48, 10, 1, 10)) == 1
    full_hd = clip_cost(Clip(1920, 1080, 30, 10, 300))
    assert 50 < full_hd < 70 and clip_cost(Clip(1920, 1080, 30, 5, 150)) * 2 == pytest.approx(full_hd, abs=1)
    assert clip_cost(Clip(8192, 8192, 120, 10, 1200)) > 200


def test_files_for_visitors_stay_within_a_bound_and_the_newest_stay_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import os

    monkeypatch.setattr(scratch, "MAX_BYTES", 1000)
    folder = scratch.folder("videos")
    for age, name in enumerate(("new", "older", "oldest", ".part")):
        (folder / name).write_bytes(bytes(400))
        os.utime(folder / name, (folder.stat().st_mtime - 100 * age,) * 2)
    scratch.make_room("videos", 300)
    assert {path.name for path in folder.iterdir()} == {"new", ".part"}
    os.utime(folder / "new", (0, 0))
    scratch.make_room("videos")
    assert {path.name for path in folder.iterdir()} == {".part"}
