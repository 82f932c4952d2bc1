import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from core.data import library
from core.data.classes import ClassEncoding, LayersEncoding
from core.data.dataset import DataFolder, open_data
from core.data.importing import Imported, bring_in, import_data, open_source, recognise, sources
from core.data.importing.plan import preview
from core.data.masks import BinaryEncoding
from core.data.photos import read_photo
from core.data.store import read_pair
from core.errors import UserError
from core.system import workspace as places
from tests.core import archives
from tests.core.archives import mask, photo, picture, scene, zipped


def imported(source: object, name: str = "mine") -> DataFolder:
    return whole(source, name).data


def whole(source: object, name: str = "mine") -> Imported:
    return next(r for r in import_data(source, name) if isinstance(r, Imported))  # type: ignore[arg-type]


def nothing_left() -> bool:
    return list(places.datasets().iterdir()) == []


def labels_of(data: DataFolder, name: str) -> np.ndarray:
    pair = next(pair for pair in data.pairs if pair.name == name)
    return read_pair(pair, data.rule)[1]


@pytest.mark.parametrize("layout", list(archives.layouts()))
def test_every_layout_is_recognised_and_its_masks_are_right(layout: str) -> None:
    files, words = archives.layouts()[layout]
    source = open_source(zipped(files))
    plan = recognise(source)[0]
    assert words in plan.layout and len(plan.items) == 4
    data = imported(zipped(files))
    assert len(data.pairs) == 4
    if layout in ("parts above", "parts below", "segnet", "voc", "cityscapes", "yolo"):
        assert len(data.split.validation) == 1 and "0" in data.split.validation[0]
    names = sorted(pair.name for pair in data.pairs)
    for i, name in enumerate(names):
        found = labels_of(data, name)
        truth = scene(i)[1]
        match layout:
            case "yolo":
                assert (
                    found[48, 32] == 2
                    if isinstance(data.rule, ClassEncoding) and data.rule.task.outputs > 2
                    else 1
                )
                assert 0.2 < (found > 0).mean() < 0.3 and found[0, 0] == 0
            case "coco":
                assert data.rule.task.classes == ("background", "person", "box")
                assert (found[12:28, 12:28] > 0).all()
                outside = np.ones_like(truth, bool)
                outside[9:32, 9:32] = False
                assert np.array_equal(found[outside], truth[outside])
            case "cityscapes":
                named = np.array(data.rule.task.classes)
                assert set(named) >= {"road", "person"}
                assert np.array_equal(named[found] == "person", truth == 1)
            case "voc":
                assert data.rule.task.classes[15] == "person" and data.rule.task.void == 255
                assert np.array_equal(found[1:] == 15, truth[1:] == 1) and (found[0] == 255).all()
            case _:
                assert np.array_equal(found, truth)


@pytest.mark.parametrize("layout", list(archives.layouts()))
def test_the_preview_shows_what_is_imported(layout: str) -> None:
    files, _ = archives.layouts()[layout]
    source = open_source(zipped(files))
    plan = recognise(source)[0]
    data = imported(zipped(files))
    for item in plan.items:
        _, labels, _ = preview(source, plan, item, 500)
        stored = next(pair for pair in data.pairs if Path(pair.name).stem == item.name)
        assert np.array_equal(labels, read_pair(stored, data.rule)[1])


def test_labels_in_folders_of_their_own_are_several_labels_a_pixel() -> None:
    files = {f"images/{i}.jpg": photo(i) for i in range(3)}
    files |= {f"masks/cat/{i}.png": mask(i) for i in range(3)} | {"masks/dog/1.png": mask(2)}
    data = imported(zipped(files))
    assert isinstance(data.rule, LayersEncoding) and data.rule.task.classes == ("cat", "dog")
    assert np.array_equal(labels_of(data, "1.jpg"), scene(1)[1] | scene(2)[1] << 1)


def test_classes_can_be_chosen_and_taken_as_one_foreground() -> None:
    files = archives.coco(3)
    source = open_source(zipped(files))
    plan = recognise(source)[0].choosing(("person",), True)
    data = next(r for r in bring_in(source, plan, "people") if isinstance(r, Imported)).data
    assert isinstance(data.rule, BinaryEncoding)
    assert np.array_equal(labels_of(data, "1.jpg"), scene(1)[1])


def test_folders_can_be_named_by_hand() -> None:
    files = {f"one/{i}.jpg": photo(i) for i in range(3)} | {f"two/{i}.png": mask(i) for i in range(3)}
    with pytest.raises(UserError, match="no masks that go with photos"):
        recognise(open_source(zipped(files)))
    source = open_source(zipped(files))
    plan = recognise(source, "one", "two")[0]
    data = next(r for r in bring_in(source, plan, "mine") if isinstance(r, Imported)).data
    assert np.array_equal(labels_of(data, "2.jpg"), scene(2)[1])


def test_parquet_files_of_the_hub_are_read_like_folders(tmp_path: Path) -> None:
    rows = {
        "image": [{"bytes": photo(i), "path": f"{i}.jpg"} for i in range(5)],
        "label": [{"bytes": mask(i), "path": None} for i in range(5)],
    }
    (tmp_path / "hub" / "data").mkdir(parents=True)
    pq.write_table(
        pa.table(rows), tmp_path / "hub" / "data" / "train-00000-of-00001.parquet", row_group_size=2
    )
    data = imported(tmp_path / "hub")
    assert len(data.pairs) == 5
    first = sorted(data.pairs, key=lambda pair: pair.name)[3]
    assert np.array_equal(read_pair(first, data.rule)[1], scene(3)[1])


def test_a_split_json_with_a_test_part_is_kept_and_validation_is_dealt_from_the_rest() -> None:
    files = {f"images/{i}.jpg": photo(i) for i in range(10)} | {f"masks/{i}.png": mask(i) for i in range(10)}
    files["split.json"] = b'{"train": ["2.jpg"], "test": ["0.jpg", "1.jpg"]}'
    data = imported(zipped(files))
    assert data.split.test == ("0.jpg", "1.jpg")
    assert len(data.split.validation) == 2 and len(data.split.train) == 6


@pytest.mark.parametrize("prefix", ["", "deep/er/", "Ünïcode ordner/", "写真/"])
def test_a_zip_becomes_a_data_set(small_data: Path, prefix: str) -> None:
    data = imported(zipped(small_data, prefix))
    assert len(data.pairs) == 10 and data.root == places.datasets() / "mine"
    assert np.array_equal(labels_of(data, "03.jpg"), read_pair(open_data(small_data).pairs[3], data.rule)[1])


def test_a_folder_becomes_a_data_set_and_stays_as_it_was(small_data: Path) -> None:
    before = sorted(p.name for p in small_data.rglob("*"))
    data = imported(small_data, "Meine Fotos")
    assert data.name == "Meine Fotos" and len(data.pairs) == 10
    assert sorted(p.name for p in small_data.rglob("*")) == before


def test_single_files_are_paired_by_their_names() -> None:
    given = [(f"{i}.jpg", io.BytesIO(photo(i))) for i in range(3)]
    given += [(f"{i}_mask.png", io.BytesIO(mask(i))) for i in range(3)]
    assert len(imported(given).pairs) == 3


def test_names_in_any_script_and_form_find_their_partners() -> None:
    files = {"images/caf\u00e9.jpg": photo(0), "masks/cafe\u0301.png": mask(0)}  # one letter, or two
    files |= {"images/写真 1.jpg": photo(1), "masks/写真 1.png": mask(1)}
    assert sorted(pair.name for pair in imported(zipped(files)).pairs) == ["caf\u00e9.jpg", "写真 1.jpg"]


def test_names_that_differ_in_capitals_alone_do_not_overwrite_each_other() -> None:
    files = {
        "x/images/A.jpg": photo(0),
        "x/masks/A.png": mask(0),
        "y/images/a.jpg": photo(1),
        "y/masks/a.png": mask(1),
    }
    data = imported(zipped(files))
    assert len({pair.name.casefold() for pair in data.pairs}) == 2
    found = sorted(labels_of(data, pair.name).sum() for pair in data.pairs)
    assert found == sorted([scene(0)[1].sum(), scene(1)[1].sum()])


def test_a_name_is_not_taken_twice(small_data: Path) -> None:
    imported(small_data)
    with pytest.raises(UserError, match="already"):
        imported(small_data)
    assert len(open_data(places.datasets() / "mine").pairs) == 10


@pytest.mark.parametrize("name", ["", "///", "..", "  "])
def test_a_name_that_is_none_is_refused(small_data: Path, name: str) -> None:
    with pytest.raises(UserError):
        imported(small_data, name)


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/b"])
def test_a_name_cannot_leave_the_workspace(small_data: Path, name: str) -> None:
    assert imported(small_data, name).root.parent == places.datasets()


@pytest.mark.parametrize(
    "name", ["../../images/evil.jpg", "/abs/images/evil.jpg", "images\\..\\..\\evil.jpg", "C:/images/e.jpg"]
)
def test_a_zip_whose_paths_lead_out_is_refused_by_name(small_data: Path, tmp_path: Path, name: str) -> None:
    stream = zipped(small_data)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(name, b"x")
    stream.seek(0)
    with pytest.raises(UserError, match="leads out"):
        imported(stream)
    assert nothing_left() and list(tmp_path.rglob("evil*")) == []


def test_links_and_archives_inside_are_named_and_left_behind(small_data: Path) -> None:
    stream = zipped(small_data)
    with zipfile.ZipFile(stream, "a") as archive:
        link = zipfile.ZipInfo("images/link.jpg")
        link.external_attr = (0o120777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("images/inner.zip", b"PK")
    stream.seek(0)
    result = whole(stream)
    told = " ".join(p.sentence for p in result.problems)
    assert "link.jpg is a link" in told and "inner.zip is an archive inside" in told
    assert not any(p.is_symlink() for p in result.data.root.rglob("*"))
    assert not (result.data.root / "images" / "link.jpg").exists()


def test_links_in_a_folder_are_not_followed_out_of_it(small_data: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(photo(1))
    (small_data / "images" / "link.jpg").symlink_to(secret)
    (small_data / "masks" / "link.png").write_bytes(mask(1))
    assert len(imported(small_data).pairs) == 10


def test_a_zip_that_lies_about_its_sizes_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILE_BYTES", 1_000_000)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/a.jpg", b"\0" * 5_000_000)
        archive.writestr("masks/a.png", b"\0")
    raw = stream.getvalue().replace((5_000_000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    with pytest.raises(UserError):
        imported(io.BytesIO(raw))
    assert nothing_left()


def test_a_zip_that_unpacks_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch, small_data: Path) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 20_000)
    with pytest.raises(UserError, match="in parts"):
        imported(zipped(small_data))
    assert nothing_left()


def test_a_zip_with_a_million_entries_is_refused_before_they_are_read() -> None:
    # The last record claims a list of 100 MB; nothing of that size has to exist for the refusal.
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, 100_000_000, 0, 0)
    with pytest.raises(UserError, match="more than"):
        imported(io.BytesIO(b"\0" * 1000 + end))
    assert nothing_left()


def test_more_files_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch, small_data: Path) -> None:
    monkeypatch.setattr(sources, "MAX_FILES", 15)
    with pytest.raises(UserError, match="more than 15 files"):
        imported(zipped(small_data))


def test_a_decompression_bomb_is_left_behind_by_name(small_data: Path) -> None:
    bomb = picture(np.zeros((64, 96), np.uint8))
    header = b"IHDR" + struct.pack(">II", 30_000, 30_000) + bomb[24:29]
    wide = bomb[:12] + header + struct.pack(">I", zlib.crc32(header)) + bomb[33:]
    stream = zipped(small_data)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("images/bomb.png", wide)
        archive.writestr("masks/bomb.png", wide)
    stream.seek(0)
    result = whole(stream)
    assert len(result.data.pairs) == 10
    assert any("bomb.png" in p.sentence and "megapixels" in p.sentence for p in result.problems)


def test_an_encrypted_zip_is_one_sentence(small_data: Path) -> None:
    raw = bytearray(zipped(small_data).getvalue())
    at = raw.find(b"PK\x01\x02")
    while at >= 0:
        raw[at + 8] |= 1
        at = raw.find(b"PK\x01\x02", at + 4)
    with pytest.raises(UserError, match="password"):
        imported(io.BytesIO(bytes(raw)))
    assert nothing_left()


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 not really", b"hello" * 1000], ids=["empty", "header only", "text"]
)
def test_what_is_no_zip_is_one_sentence_and_leaves_nothing(content: bytes) -> None:
    with pytest.raises(UserError, match="zip"):
        imported(io.BytesIO(content))
    assert nothing_left()


def test_a_truncated_zip_leaves_nothing(small_data: Path) -> None:
    with pytest.raises(UserError):
        imported(io.BytesIO(zipped(small_data).getvalue()[:-500]))
    assert nothing_left()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"holiday/1.jpg": b"x"}, "into images/"),
        ({}, "no files"),
        ({"a/1.jpg": b"x", "a/1.xml": b"<box/>"}, "boxes are not enough"),
        ({"images/1.jpg": b"x", "labels/1.txt": b"0 0.5 0.5 0.1 0.1\n"}, "boxes in YOLO"),
        ({"images/1.jpg": b"x", "a.json": b"{" * 100}, "no JSON"),
        ({"images/1.jpg": b"x", "a.json": b"[" * 200_000}, "no JSON"),
        ({"all.tar.gz": b"x"}, "archive inside"),
    ],
)  # fmt: skip
def test_what_holds_no_pairs_says_so_and_leaves_nothing(files: dict[str, bytes], words: str) -> None:
    with pytest.raises(UserError, match=words):
        imported(zipped(files))
    assert nothing_left()


@pytest.mark.parametrize(
    "shape",
    [
        {"size": [96, 64], "counts": "garbage~"},
        {"size": [96, 64], "counts": "\x30" * 5000},
        {"size": [96, 64], "counts": [10, 20]},
        {"size": [96, 64], "counts": [-5, 64 * 96 + 5]},
        {"size": [9600, 6400], "counts": [6400 * 9600]},
        {"nothing": 1},
        [["a", "b", "c", "d", "e", "f"]],
    ],
)
def test_damaged_outlines_leave_their_photo_behind_by_name(shape: object) -> None:
    import json

    files = archives.coco(4)
    content = json.loads(files["annotations/instances_default.json"])
    content["annotations"][0]["segmentation"] = shape
    files["annotations/instances_default.json"] = json.dumps(content).encode()
    result = whole(zipped(files))
    assert [pair.name for pair in result.data.pairs] == ["1.jpg", "2.jpg", "3.jpg"]
    assert any("0.jpg" in p.sentence and "cannot be read" in p.sentence for p in result.problems)


def test_a_full_disk_leaves_nothing(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="No space left on device: free some space"):
        imported(small_data)
    assert nothing_left()


def test_an_import_that_is_given_up_leaves_nothing(small_data: Path) -> None:
    work = import_data(small_data, "mine")
    next(work)
    work.close()
    assert nothing_left()


def placed(**more: object) -> bytes:
    """A photo with a place, an author, a comment and an orientation written into it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x013B] = "Somebody"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    stream = io.BytesIO()
    Image.fromarray(scene(0)[0]).save(stream, "JPEG", exif=exif, comment=b"secret comment")
    return stream.getvalue()


def test_place_and_author_are_not_kept_and_orientation_and_pixels_are() -> None:
    content = placed()
    turned = picture(np.rot90(scene(0)[1], -1) * np.uint8(255))
    files = {"images/0.jpg": content, "masks/0.png": turned, "images/1.jpg": photo(1), "masks/1.png": mask(1)}
    data = imported(zipped(files))
    kept = (data.root / "images" / "0.jpg").read_bytes()
    assert b"Somebody" not in kept and b"secret" not in kept
    exif = Image.open(io.BytesIO(kept)).getexif()
    assert dict(exif) == {0x0112: 6} and not exif.get_ifd(0x8825)
    assert np.array_equal(read_photo(kept), read_photo(content))
    assert kept[-20:] == content[-20:]  # the compressed pixels themselves are untouched
    assert np.array_equal(labels_of(data, "0.jpg"), np.rot90(scene(0)[1], -1))


@pytest.mark.parametrize("form", ["HEIF", "WEBP", "TIFF", "TIFF16", "CMYK", "GIF", "PALETTE", "MPO"])
def test_photos_of_every_kind_are_read_and_kept(form: str) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    array, stream = scene(0)[0], io.BytesIO()
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    match form:
        case "HEIF":
            Image.fromarray(array).save(stream, "HEIF", exif=exif)
        case "WEBP":
            Image.fromarray(array).save(stream, "WEBP", lossless=True, exif=exif)
        case "TIFF":
            Image.fromarray(array).save(stream, "TIFF", exif=exif)
        case "TIFF16":
            Image.fromarray(array[..., 0].astype(np.uint16) * 257).save(stream, "TIFF")
            array = np.repeat(array[..., :1], 3, axis=2)
        case "CMYK":
            Image.fromarray(array).convert("CMYK").save(stream, "JPEG", quality=98)
        case "GIF":
            frames = [Image.fromarray(scene(i)[0]) for i in range(3)]
            frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
        case "PALETTE":
            Image.fromarray(array).quantize(256).save(stream, "PNG")
        case _:
            frames = [Image.fromarray(scene(i)[0]) for i in range(2)]
            frames[0].save(stream, "MPO", save_all=True, append_images=frames[1:], quality=98)
    suffix = {"HEIF": "heic", "WEBP": "webp", "TIFF": "tif", "TIFF16": "tif", "GIF": "gif", "PALETTE": "png"}
    files = {f"images/0.{suffix.get(form, 'jpg')}": stream.getvalue(), "masks/0.png": mask(0)}
    files |= {"images/1.jpg": photo(1), "masks/1.png": mask(1)}
    data = imported(zipped(files))
    pair = next(pair for pair in data.pairs if pair.name.startswith("0."))
    kept = read_photo(pair.image)
    assert kept.shape == array.shape
    assert np.abs(kept.astype(int) - array).mean() < 12
    assert not Image.open(pair.image).getexif().get_ifd(0x8825)


def test_only_data_sets_of_the_workspace_can_be_deleted(small_data: Path) -> None:
    with pytest.raises(UserError):
        library.delete_dataset(small_data)
    assert small_data.is_dir()
    data = imported(small_data)
    library.delete_dataset(data.root)
    assert nothing_left()


@pytest.mark.parametrize(
    ("folder", "pairs", "classes"),
    [("people", 290, 1), ("pedestrians", 170, 1), ("portraits", 1554, 1), ("camvid", 88, 1)],
)
def test_real_data_sets_are_imported_as_they_lie_there(
    shared_data: Path, folder: str, pairs: int, classes: int
) -> None:
    result = whole(shared_data / folder)
    assert len(result.data.pairs) == pairs and result.problems == ()
    assert result.data.rule.task.outputs == classes
    if folder == "portraits":
        assert len(result.data.split.test) == 264
    if folder == "camvid":
        assert len(result.data.split.validation) == 26


@pytest.mark.parametrize("folder", ["cutouts", "backgrounds"])
def test_photos_without_masks_are_refused_with_a_way_out(shared_data: Path, folder: str) -> None:
    with pytest.raises(UserError, match="paint masks"):
        imported(shared_data / folder)
