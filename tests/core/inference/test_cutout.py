"""The cut-out pipeline: the same pixels whoever asks, and every setting acts where it says."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from core import cli
from core.cutout_settings import Background, CutOutSettings
from core.data.photos import read_photo
from core.data.samples import sample_bytes
from core.errors import UserError
from core.inference import zip_writer
from core.inference.cutout import CutOut, cut_out, files_of, from_probability, segment
from core.inference.predictor import Predictor
from core.inference.video import Treated
from core.models import registry
from core.server import rest
from core.system.workspace import SHIPPED_MODELS
from core.task import Task
from tests.builders import untrained_card

SHIPPED = SHIPPED_MODELS / "person-lite0"
SETTINGS = CutOutSettings(0.4, refine_edges=True, background=Background("colour", (0, 200, 0)))
QUERY = "threshold=0.4&background=%2300c800"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(SHIPPED, "cpu")


@pytest.fixture(scope="module")
def content() -> bytes:
    """320x240 with a person in it, as a PNG."""
    photo = Image.open(io.BytesIO(sample_bytes("Astronaut"))).convert("RGB").resize((320, 240))
    stream = io.BytesIO()
    photo.save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def expected(predictor: Predictor, content: bytes) -> dict[str, NDArray[np.uint8]]:
    found = cut_out(read_photo(content, "a.png"), predictor, SETTINGS)
    return {kind: found.picture(kind) for kind in ("mask", "cutout", "overlay")}


def pixels(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)))


def by_command_line(content: bytes, tmp_path: Path) -> dict[str, NDArray[np.uint8]]:
    (tmp_path / "a.png").write_bytes(content)
    words = ["predict", str(tmp_path / "a.png"), "--model", str(SHIPPED), "--out", str(tmp_path / "out")]
    options = ["--threshold", "0.4", "--background", "#00c800", "--save", "mask,cutout,overlay"]
    assert cli.main([*words, *options, "--device", "cpu"]) == 0
    return {
        kind: pixels((tmp_path / "out" / f"a_{kind}.png").read_bytes())
        for kind in ("mask", "cutout", "overlay")
    }


def by_rest(content: bytes, tmp_path: Path) -> dict[str, NDArray[np.uint8]]:
    with TestClient(rest.api(SHIPPED), "http://localhost") as client:
        answers = {
            kind: client.post(f"/segment?result={kind}&{QUERY}", content=content)
            for kind in ("mask", "cutout", "overlay")
        }
    assert {answer.status_code for answer in answers.values()} == {200}
    return {kind: pixels(answer.content) for kind, answer in answers.items()}


def by_zip(content: bytes, tmp_path: Path) -> dict[str, NDArray[np.uint8]]:
    model = Predictor(SHIPPED, "cpu")

    def make(place: int) -> dict[str, bytes]:
        found = segment(read_photo(content, "a.png"), model, SETTINGS)
        return files_of(found, ("mask", "cutout", "overlay"), "a.png")

    list(zip_writer.pack(["a.png"], make, tmp_path / "a.zip"))
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        return {kind: pixels(archive.read(f"a_{kind}.png")) for kind in ("mask", "cutout", "overlay")}


def by_video(content: bytes, tmp_path: Path) -> dict[str, NDArray[np.uint8]]:
    return {"cutout": Treated(Predictor(SHIPPED, "cpu"), SETTINGS)(read_photo(content, "a.png"))}


def by_page(content: bytes, tmp_path: Path) -> dict[str, NDArray[np.uint8]]:
    """What is shown, and what is downloaded at full size."""
    from core.inference.test_time_augmentation import probability_map
    from pages.segment_parts.work import Work

    entry = next(e for e in registry.list_models() if e.folder == SHIPPED)
    photo = read_photo(content, "a.png")
    work = Work("a.png", content, (240, 320), photo, probability_map(photo, Predictor(SHIPPED), SETTINGS))
    shown = {kind: work.cut_out(SETTINGS).picture(kind) for kind in ("mask", "cutout", "overlay")}
    for kind, picture in shown.items():
        assert np.array_equal(pixels(work.full_size(kind, SETTINGS, entry)), picture)
    return shown


@pytest.mark.parametrize("way", [by_command_line, by_rest, by_zip, by_video, by_page])
def test_a_photo_has_the_same_cut_out_whoever_asks(
    way: Any, content: bytes, expected: dict[str, NDArray[np.uint8]], tmp_path: Path
) -> None:
    for kind, picture in way(content, tmp_path).items():
        assert np.array_equal(picture, expected[kind]), kind
    assert 0.1 < (expected["mask"] > 0).mean() < 0.9


def test_the_threshold_is_the_models_own_unless_one_is_set(predictor: Predictor, content: bytes) -> None:
    photo = read_photo(content, "a.png")
    own = cut_out(photo, predictor)
    assert own.settings.threshold == predictor.card.threshold
    same = cut_out(photo, predictor, CutOutSettings(predictor.card.threshold))
    assert np.array_equal(own.alpha, same.alpha)
    assert cut_out(photo, predictor, CutOutSettings(0.9)).share < own.share


def specks() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A square and a dot of a thousandth of the photo."""
    probability = np.zeros((100, 100), np.float32)
    probability[20:60, 20:60] = 1
    probability[80:83, 80:83] = 1
    return np.zeros((100, 100, 3), np.uint8), probability


def test_specks_are_not_counted_and_stay_in_the_mask_unless_they_are_removed() -> None:
    photo, probability = specks()

    def found(**changes: Any) -> CutOut:
        return from_probability(photo, probability, replace(CutOutSettings(0.5), **changes))

    assert len(found(smallest_component=0.0005).components()[0]) == 2
    counted = found(smallest_component=0.002)
    assert len(counted.components()[0]) == 1 and len(counted.table()) == 1
    assert np.count_nonzero(counted.mask) == 1600 + 9
    removed = found(smallest_component=0.002, remove_specks=True)
    assert np.count_nonzero(removed.mask) == 1600


def test_the_mask_of_the_largest_component_holds_no_neighbour_of_it() -> None:
    photo, probability = specks()
    probability[59:62, 62:64] = 1  # within the soft rim of the square
    found = from_probability(photo, probability, CutOutSettings(0.5, only_largest=True))
    assert np.count_nonzero(found.mask) == 1600


def test_what_is_raised_between_the_steps_ends_the_work(predictor: Predictor, content: bytes) -> None:
    def out_of_time() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        cut_out(read_photo(content, "a.png"), predictor, between=out_of_time)


def test_a_model_of_several_classes_gives_labels_and_no_components() -> None:
    import torch

    class Halves(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            first = torch.linspace(1, -1, images.shape[3]).expand(len(images), 1, *images.shape[2:])
            return torch.cat([first, -first], 1)

    task = Task("multiclass", ("left", "right"), (0, 1))
    model = Predictor.of(Halves(), replace(untrained_card(), task=task))
    found = segment(np.zeros((64, 96, 3), np.uint8), model)
    assert set(np.unique(found.picture("mask"))) == {0, 1}
    assert set(files_of(found, ("mask", "overlay"), "a.png")) == {"mask", "overlay"}
    with pytest.raises(UserError, match="no components"):
        files_of(found, ("components",), "a.png")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"threshold": 5.0}, "threshold cannot be 5.0: use 0 to 1."),
        ({"threshold": float("nan")}, "threshold cannot be nan"),
        ({"feather": -1.0}, "feather cannot be -1.0: use 0 to 10."),
        ({"tiles": 9}, "tiles cannot be 9: use 1 to 4."),
        ({"long_side": 5}, "long_side cannot be 5: use 64 to 2048."),
        ({"smallest_component": 0.5}, "smallest_component cannot be 0.5"),
    ],
)
def test_a_setting_outside_its_bounds_is_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as error:
        CutOutSettings(**values)
    assert sentence in str(error.value)


def test_a_background_is_named_the_same_way_everywhere() -> None:
    assert Background.named("#0A14ff") == Background("colour", (10, 20, 255))
    assert [Background.named(text).kind for text in ("", "none", "blur", "grey")] == [
        "transparent", "transparent", "blur", "grey",
    ]  # fmt: skip
    for text in ("pink", "#12", "#zzzzzz", "picture"):
        with pytest.raises(UserError, match="use #RRGGBB"):
            Background.named(text)
