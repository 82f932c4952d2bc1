"""Painted masks are saved to the pixel and follow their data set's rule."""

import base64
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import fixes, painting
from core.data.dataset import open_data
from core.data.importing.copying import Imported, import_data
from core.data.store import read_pair
from core.errors import UserError
from core.training.loop import fit
from tests.builders import slim
from tests.core.archives import photo, picture, scene


def painted(count: int = 3) -> Path:
    return painting.start("mine", [(f"{i}.jpg", photo(i)) for i in range(count)])[0]


def test_a_painted_mask_is_the_same_to_the_pixel_after_saving() -> None:
    folder = painted()
    for i, waiting in enumerate(painting.photos_of(folder)):
        assert not waiting.is_done
        painting.save_mask(waiting, painting.mask_from(painting.mask_url(scene(i)[1]), (96, 64)))
    data = open_data(folder)
    for i, waiting in enumerate(painting.photos_of(folder)):
        assert waiting.is_done
        assert np.array_equal(painting.saved_mask(waiting), scene(i)[1])
        assert np.array_equal(read_pair(data.pairs[i], data.encoding)[1], scene(i)[1])


@pytest.mark.parametrize("kind", ["0 and 1", "0 and 255", "inverted"])
def test_a_mask_painted_into_a_data_set_follows_its_encoding(
    small_data: Path, workspace: Path, kind: str
) -> None:
    if kind == "0 and 1":
        for path in (small_data / "masks").iterdir():
            Image.fromarray((np.array(Image.open(path)) > 0).astype(np.uint8)).save(path)
    data = next(r for r in import_data(small_data, "set") if isinstance(r, Imported)).data
    if kind == "inverted":
        data = fixes.invert(data)
    waiting = painting.photos_of(data.root)[2]
    new = np.zeros((96, 64), np.uint8)
    new[10:40, 10:40] = 1
    painting.save_mask(waiting, new)
    data = open_data(data.root)
    assert np.array_equal(read_pair(data.pairs[2], data.encoding)[1], new)


@pytest.mark.parametrize(
    "url",
    ["", "data:text/html;base64,AAAA", "data:image/png;base64,@@@", "data:image/png;base64,AAAA",
     "data:image/png;base64," + base64.b64encode(photo(0)).decode(),
     painting.mask_url(np.zeros((5, 5), np.uint8))],
)  # fmt: skip
def test_what_is_no_painted_mask_is_one_sentence(url: str) -> None:
    with pytest.raises(UserError):
        painting.mask_from(url, (96, 64))


def test_photos_to_paint_keep_apart_when_they_share_a_name_and_hold_no_place() -> None:
    from tests.core.data.importing.test_privacy import placed

    folder, _ = painting.start(
        "mine", [("a.jpg", placed()), ("a.png", picture(scene(1)[0])), ("../../a.jpg", photo(2))]
    )
    assert len(painting.photos_of(folder)) == 3 and len({w.mask for w in painting.photos_of(folder)}) == 3
    assert b"Somebody" not in (folder / "images" / "a.jpg").read_bytes()
    painting.add_photos(folder, [("a.jpg", photo(3))])
    assert len(painting.photos_of(folder)) == 4


def test_a_file_that_is_no_photo_is_named_and_the_rest_can_be_painted(workspace: Path) -> None:
    folder, problems = painting.start("mine", [("a.jpg", photo(0)), ("b.jpg", b"junk")])
    assert [w.name for w in painting.photos_of(folder)] == ["a.jpg"]
    assert [p.name for p in problems] == ["b.jpg"] and "b.jpg" in problems[0].sentence
    problems = painting.add_photos(folder, [("c.jpg", b"junk"), ("\U0001f600.jpg", photo(1))])
    assert [p.name for p in problems] == ["c.jpg"] and len(painting.photos_of(folder)) == 2


def test_no_photo_at_all_starts_nothing(workspace: Path) -> None:
    with pytest.raises(UserError, match=r"b\.jpg"):
        painting.start("mine", [("b.jpg", b"junk")])
    assert not (workspace / "datasets" / "mine").exists()


def test_grabcut_finds_what_stands_out_in_a_box() -> None:
    image = np.random.default_rng(0).integers(0, 40, (200, 300, 3)).astype(np.uint8)
    truth = np.zeros((200, 300), np.uint8)
    truth[60:140, 100:200] = 1
    image[truth == 1] += 160
    found = painting.grabcut(image, (80, 40, 220, 160))
    assert (found & truth).sum() / (found | truth).sum() > 0.95
    with pytest.raises(UserError, match="too small"):
        painting.grabcut(image, (10, 10, 11, 11))
    assert painting.grabcut(image, (-50, -50, 900, 900)).shape == (200, 300)


def test_ten_painted_photos_train(workspace: Path) -> None:
    folder = painted(10)
    for i, waiting in enumerate(painting.photos_of(folder)):
        painting.save_mask(waiting, scene(i)[1])
    run = workspace / "run"
    run.mkdir(parents=True)
    events = list(fit(slim(folder, epochs=1), run))
    assert type(events[-1]).__name__ == "Finished"
