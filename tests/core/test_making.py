import base64
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import composing, fixes, painting
from core.data.composing import Composition, compose, compose_one, read_cutout
from core.data.dataset import open_data
from core.data.exporting import export
from core.data.importing.copying import Imported, import_data
from core.data.store import read_pair
from core.errors import UserError
from core.training.loop import fit
from tests.builders import tiny
from tests.core import archives
from tests.core.archives import photo, picture, scene
from tests.core.test_checking import classes


def cutout(seed: int = 0) -> bytes:
    image, mask = scene(seed)
    return picture(np.dstack([image, mask * np.uint8(255)]))


def exported(folder: Path, target: Path, form: str = "zip") -> Path:
    return next(r for r in export(open_data(folder), target, form) if isinstance(r, Path))


def reimported(path: Path, name: str = "again") -> Path:
    return next(r for r in import_data(path, name) if isinstance(r, Imported)).data.root


def test_an_exported_data_set_comes_back_as_it_was(small_data: Path, tmp_path: Path) -> None:
    data = fixes.invert(fixes.leave_out(open_data(small_data), ["01.jpg"]), ["04.jpg"])
    back = open_data(reimported(exported(small_data, tmp_path / "set.zip")))
    assert [p.name for p in back.pairs] == [p.name for p in data.pairs] and back.split == data.split
    for one, other in zip(data.pairs, back.pairs, strict=True):
        assert np.array_equal(read_pair(one, data.encoding)[1], read_pair(other, back.encoding)[1])


def test_classes_come_back_with_names_and_void(small_data: Path, tmp_path: Path) -> None:
    data = fixes.rename(classes(small_data), ["ground", "legs", "head"])
    back = open_data(reimported(exported(small_data, tmp_path / "set.zip")))
    assert back.encoding.task.classes == ("ground", "legs", "head")
    for one, other in zip(data.pairs, back.pairs, strict=True):
        assert np.array_equal(read_pair(one, data.encoding)[1], read_pair(other, back.encoding)[1])


def test_labels_of_their_own_come_back_too(tmp_path: Path) -> None:
    files = {f"images/{i}.jpg": photo(i) for i in range(3)}
    files |= {
        f"masks/{label}/{i}.png": archives.mask(i + n)
        for i in range(3)
        for n, label in enumerate(("cat", "dog"))
    }
    data = next(r for r in import_data(archives.zipped(files), "two") if isinstance(r, Imported)).data
    back = open_data(reimported(exported(data.root, tmp_path / "set.zip")))
    assert back.encoding.task == data.encoding.task
    for one, other in zip(data.pairs, back.pairs, strict=True):
        assert np.array_equal(read_pair(one, data.encoding)[1], read_pair(other, back.encoding)[1])


def test_a_full_disk_leaves_no_half_export(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    with pytest.raises(UserError, match="No space left on device: free some space"):
        exported(small_data, tmp_path / "set.zip")
    assert [p for p in tmp_path.iterdir() if "set.zip" in p.name] == []


def test_composed_pairs_are_exact_varied_and_the_same_for_a_seed() -> None:
    how = Composition(count=30, height=96, width=128, seed=3)
    cutouts, grounds = [read_cutout(cutout(i)) for i in range(3)], [scene(i)[0] for i in range(20, 23)]
    made = [compose_one(how, cutouts, grounds, i) for i in range(30)]
    again = compose_one(how, cutouts, grounds, 7)
    assert np.array_equal(made[7][0], again[0]) and np.array_equal(made[7][1], again[1])
    assert all(
        p.shape == (96, 128, 3) and m.shape == (96, 128) and set(np.unique(m)) <= {0, 1} for p, m in made
    )
    shares = [m.mean() for _, m in made]
    assert np.std(shares) > 0.03 and min(shares) > 0
    assert not np.array_equal(
        made[0][0], compose_one(Composition(30, 96, 128, seed=4), cutouts, grounds, 0)[0]
    )


def test_a_composed_mask_is_where_the_cutout_is() -> None:
    """A red square on blue, without light, blur or noise: the mask has to be the red pixels."""
    red = np.zeros((50, 50, 4), np.uint8)
    red[5:45, 5:45] = (255, 0, 0, 255)
    blue = np.full((80, 120, 3), (0, 0, 255), np.uint8)
    how = Composition(count=2, height=80, width=120, light=0, blur=0, subjects=3, seed=1)
    for index in range(20):
        image, mask = compose_one(how, [read_cutout(picture(red))], [blue], index)
        assert np.array_equal(image[..., 0] >= 128, mask == 1)


def test_a_composed_data_set_is_one_that_trains(tmp_path: Path) -> None:
    how = Composition(count=6, height=64, width=64)
    steps = list(compose("made", how, [read_cutout(cutout())], [scene(9)[0]]))
    assert steps[-2] == 1.0 and isinstance(steps[-1], Path)
    assert len(open_data(steps[-1]).pairs) == 6
    with pytest.raises(UserError, match="already"):
        list(compose("made", how, [read_cutout(cutout())], [scene(9)[0]]))


@pytest.mark.parametrize("content", [photo(0), picture(np.zeros((9, 9, 4), np.uint8)), b"junk"])
def test_what_is_no_cutout_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(UserError, match=r"thing\.png"):
        read_cutout(content, "thing.png")


def test_real_cutouts_and_backgrounds_compose(shared_data: Path) -> None:
    cutouts = [read_cutout(p) for p in composing.pictures_in(shared_data / "cutouts")[:8]]
    grounds = [composing.read_background(p) for p in composing.pictures_in(shared_data / "backgrounds")[:4]]
    shares = [compose_one(Composition(), cutouts, grounds, i)[1].mean() for i in range(8)]
    assert 0.02 < np.mean(shares) < 0.7


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
    events = list(fit(tiny(folder, epochs=1), run))
    assert type(events[-1]).__name__ == "Finished"
