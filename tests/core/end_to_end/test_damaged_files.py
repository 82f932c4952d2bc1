"""Every accepted format, damaged in every way, at every door: the file is named and left out, or used as
far as it can be read; everything else goes on, and no other error than a sentence leaves the door."""

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from core import cli
from core.data import catalogue, checks, composing, exporting, painting, thumbnails
from core.data.dataset import open_data
from core.data.importing.copying import Imported, import_data
from core.data.pairing import Problem
from core.data.photos import photo_size, read_photo
from core.data.store import Store, build_store
from core.errors import UserError
from core.evaluation.scoring import score_images
from core.inference import zip_writer
from core.inference.predictor import Predictor
from tests.core.end_to_end.damage import FORMS, damages, whole, write_pairs

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

# What a door made of a data set: the stems that were used, and those that were named.
Outcome = tuple[set[str], set[str]]


def by_check(root: Path, model: Path) -> Outcome:
    report = next(r for r in checks.check(open_data(root)) if isinstance(r, checks.Report))
    assert all("Traceback" not in text and len(text) > 10 for text in report.problems["problem"])
    return stems(report.usable["name"]), stems(report.problems["name"])


def by_gallery(root: Path, model: Path) -> Outcome:
    found = next(c for c in catalogue.open_catalogue(root) if isinstance(c, catalogue.Catalogue))
    pairs = [found.pair(name) for name in found.report.table["name"]]
    urls = dict(
        zip((p.name for p in pairs), thumbnails.thumbnails(pairs, found.encoding, "Overlay"), strict=True)
    )
    return stems(n for n, url in urls.items() if url), stems(n for n, url in urls.items() if not url)


def by_import(root: Path, model: Path) -> Outcome:
    return _imported(root)


def by_import_of_a_zip(root: Path, model: Path) -> Outcome:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in root.rglob("*"):
            archive.write(path, path.relative_to(root))
    stream.seek(0)
    return _imported(stream)


def _imported(source: Path | io.BytesIO) -> Outcome:
    done = next(i for i in import_data(source, "brought in") if isinstance(i, Imported))
    used, named = by_check(done.data.root, Path())
    return used, named | stems(p.name for p in done.problems)


def by_training(root: Path, model: Path) -> Outcome:
    data = open_data(root)
    store = next(s for s in build_store(data.pairs, data.encoding, 32) if isinstance(s, Store))
    return stems(store.names), stems(p.name for p in store.problems)


def by_evaluation(root: Path, model: Path) -> Outcome:
    data = open_data(root)
    scored = list(score_images(Predictor(model, "cpu"), data.pairs, data.encoding, 0.5, 64))
    named = stems(s.name for s in scored if not hasattr(s, "counts"))
    return stems(s.name for s in scored) - named, named


def by_painting(root: Path, model: Path) -> Outcome:
    used, named = set(), set()
    for waiting in painting.photos_of(root):
        try:
            painting.canvas_of(waiting, 64)
            painting.saved_mask(waiting)
            used.add(waiting.photo.stem)
        except UserError:
            named.add(waiting.photo.stem)
    return used, named


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize(
    "door",
    [by_check, by_gallery, by_import, by_import_of_a_zip, by_training, by_evaluation, by_painting],
)
def test_a_damaged_pair_is_named_and_every_other_goes_on(
    door: Callable[[Path, Path], Outcome], suffix: str, tmp_path: Path, saved_model: Path
) -> None:
    good, lost = write_pairs(tmp_path / "data", suffix)
    used, named = door(tmp_path / "data", saved_model)
    assert set(good) <= used
    assert {stem for stem, is_lost in lost.items() if is_lost} <= named
    assert used | named == {*good, *lost} and not used & named


@pytest.mark.parametrize("form", exporting.FORMS)
@pytest.mark.parametrize("suffix", FORMS)
def test_an_export_holds_every_pair_that_can_be_read(suffix: str, form: str, tmp_path: Path) -> None:
    good, lost = write_pairs(tmp_path / "data", suffix)
    data = open_data(tmp_path / "data")
    left_out: list[Problem] = []
    list(exporting.export(data, tmp_path / "out.zip", form, left_out.append))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        packed = stems(n for n in archive.namelist() if n.startswith("images/"))
    assert set(good) <= packed
    assert not {stem for stem, is_lost in lost.items() if is_lost} & packed
    assert stems(p.name for p in left_out) == {*good, *lost} - packed


@pytest.mark.parametrize("suffix", FORMS)
def test_predict_makes_the_rest_names_the_damaged_and_ends_with_one(
    suffix: str, tmp_path: Path, saved_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, lost = write_pairs(tmp_path / "data", suffix)
    command = ["predict", str(tmp_path / "data" / "images"), "--model", str(saved_model), "--device", "cpu",
               "--out", str(tmp_path / "out"), "--save", "mask", "--long-side", "64"]  # fmt: skip
    assert cli.main(command) == 1
    made = {path.stem.removesuffix("_mask") for path in (tmp_path / "out").iterdir()}
    damaged = {stem for stem, is_lost in lost.items() if is_lost and stem.startswith("photo")}
    assert set(good) <= made and not damaged & made
    errors = capsys.readouterr().err
    assert all(f"{stem}{suffix}" in errors for stem in damaged)


@pytest.mark.parametrize("suffix", FORMS)
def test_single_photos_are_read_or_refused_by_a_sentence_that_names_them(suffix: str, tmp_path: Path) -> None:
    for damage in damages(suffix):
        name = f"{damage.name}{suffix}"
        for read in (read_photo, photo_size, composing.read_cutout, composing.read_background):
            try:
                read(damage.content, name)
                assert not damage.lost or read is photo_size, f"{name} was read by {read.__name__}"
            except UserError as error:
                assert name in str(error)
        (tmp_path / name).write_bytes(damage.content)
        with suppress(UserError):
            assert np.array_equal(read_photo(tmp_path / name), read_photo(damage.content, name))


@pytest.mark.parametrize("suffix", FORMS)
def test_a_batch_of_the_page_makes_the_rest(suffix: str, tmp_path: Path) -> None:
    contents = [*(d.content for d in damages(suffix)), whole(suffix)]
    names = [*(f"{d.name}{suffix}" for d in damages(suffix)), f"whole{suffix}"]

    def make(place: int) -> dict[str, bytes]:
        return {"mask": read_photo(contents[place], names[place]).tobytes()}

    done = list(zip_writer.pack(names, make, tmp_path / "out.zip"))
    assert not done[-1].problem
    assert all(d.problem for d, damage in zip(done, damages(suffix), strict=False) if damage.lost)


@pytest.mark.parametrize("suffix", FORMS)
def test_a_photo_is_read_by_its_content_whatever_its_name_says(suffix: str, tmp_path: Path) -> None:
    """Phones' HEIC files are often called .jpg, and many a .png is a JPEG."""
    for called in FORMS:
        path = tmp_path / f"a{called}"
        path.write_bytes(whole(suffix))
        assert np.array_equal(read_photo(path), read_photo(whole(suffix), f"a{suffix}"))


def stems(names: object) -> set[str]:
    return {Path(str(name)).stem for name in names}  # type: ignore[attr-defined]
