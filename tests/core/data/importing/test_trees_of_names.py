"""Trees of names, generated: every label lands on its own photo or is named, and none is lost in silence."""

import json
import shutil
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.data.importing.mask_files import mask_file_plans
from core.data.importing.mask_labels import Layered
from core.data.importing.outlines import Drawn
from core.data.importing.plan import Plan
from core.data.importing.sources import FilesSource, Source
from core.data.importing.tools import annotation_plans
from core.data.importing.yolo import yolo_plans
from core.data.pairing import find_pairs
from core.errors import UserError
from core.system import workspace
from tests.core.data.importing.imports import whole
from tests.core.data.importing.numbered import SIDE, columns, mask, photo, polygon, sentences, yolo

FOLDERS = ["", "siteA", "siteB", "deep/er", "my-test", "Ordner"]
PARTS = ["", "train", "val"]
STEMS = ["a", "A", "b", "1", "21", "a_l", "b_mask", "a_img", "é", "c d", "x.y"]
ALIKE = ("a", "A", "b", "a_l", "b_mask", "a_img")
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Photo:
    """Where a photo lies, and what is absent of it."""

    folder: str
    part: str
    stem: str
    suffix: str = ".png"
    has_photo: bool = True
    has_label: bool = True

    def path(self, role: str, suffix: str = "", ending: str = "") -> str:
        steps = [self.folder, self.part, role, self.stem + ending + (suffix or self.suffix)]
        return "/".join(step for step in steps if step)


def whole_where_alike(one: Photo) -> Photo:
    """A photo and a mask whose names are nearly another's have their partners: without them, no name could
    say whose a mask is."""
    return replace(one, has_photo=True, has_label=True) if one.stem in ALIKE else one


def with_a_pair_everywhere(tree: list[Photo]) -> list[Photo]:
    """Each folder has a whole pair, so that photos of one and labels of another are two folders' and not
    one data set's."""
    return [*tree, *(Photo(folder, part, "z") for folder, part in {(o.folder, o.part) for o in tree})]


photos = st.builds(
    Photo,
    st.sampled_from(FOLDERS),
    st.sampled_from(PARTS),
    st.sampled_from(STEMS),
    st.sampled_from([".png", ".png", ".bmp"]),
    st.integers(0, 4).map(bool),
    st.integers(0, 4).map(bool),
).map(whole_where_alike)
trees = st.lists(
    photos, min_size=2, max_size=9, unique_by=lambda p: (p.folder, p.part, p.stem, p.suffix)
).map(with_a_pair_everywhere)
forms = st.sampled_from(["NFC", "NFD"])


class Names(Source):
    """A source of files in memory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        import io

        super().__init__("the tree")
        self._inner = FilesSource([(name, io.BytesIO(body)) for name, body in files.items()], "the tree")
        self.names, self.problems = self._inner.names, self._inner.problems

    def size(self, name: str) -> int:
        return self._inner.size(name)

    def read(self, name: str) -> bytes:
        return self._inner.read(name)

    def _open(self, name: str) -> object:  # type: ignore[override]
        return self._inner._open(name)


def nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def plans(read: object, files: Mapping[str, bytes]) -> list[Plan]:
    try:
        return read(Names(files))  # type: ignore[operator, no-any-return]
    except UserError:
        return []


def text_of(plan: Plan) -> str:
    return "\n".join(f"{p.name} {p.sentence}" for p in plan.problems)


def settled(plan: Plan, truth: Mapping[str, str], labels: Iterator[str] | list[str]) -> None:
    """Each photo has its own label, every label that is not used is named, and so is every photo."""
    for item in plan.items:
        for used in filter(None, item.masks):
            assert truth.get(used) == item.image, (used, item.image)
    used = {m for item in plan.items for m in item.masks}
    words = text_of(plan)
    for label in labels:
        assert label in used or label in words, label
    names = [item.name.casefold() for item in plan.items]
    assert len(set(names)) == len(names)


def photos_with(labels: Drawn, number: int) -> set[str]:
    """The photos that have the outline of this number, which is as many columns wide."""
    return {
        photo
        for photo, outlines in labels.outlines.items()
        if outlines and outlines[0].shape.inside(SIDE, SIDE).all(axis=0).sum() == number
    }


def owner(tree: list[Photo], one: Photo, role: str) -> str:
    """The photo whose label this is: none where two photos have one stem and one label."""
    twins = [
        o for o in tree if o.has_photo and (o.folder, o.part, o.stem) == (one.folder, one.part, one.stem)
    ]
    return nfc(twins[0].path(role)) if len(twins) == 1 else ""


def placed_or_named(plan: Plan, tree: list[Photo], role: str) -> None:
    words, placed = text_of(plan), {item.image for item in plan.items}
    assert all(nfc(o.path(role)) in placed or nfc(o.path(role)) in words for o in tree if o.has_photo)


@few
@given(trees, st.sampled_from(["", "_mask"]), forms)
def test_every_mask_lands_on_its_own_photo_or_is_named(tree: list[Photo], ending: str, form: str) -> None:
    files: dict[str, bytes] = {}
    truth: dict[str, str] = {}
    for one in tree:
        image, label = one.path("images"), one.path("masks", ".png", ending)
        if one.has_photo:
            files[unicodedata.normalize(form, image)] = b""  # type: ignore[arg-type]
        if one.has_label:
            files[label] = b""
            truth[label] = owner(tree, one, "images")
    for plan in plans(mask_file_plans, files)[:1]:
        settled(plan, truth, list(truth))
        placed_or_named(plan, tree, "images")


@few
@given(trees, forms)
def test_every_mask_beside_its_photo_lands_on_it_or_is_named(tree: list[Photo], form: str) -> None:
    tree = [one for one in tree if one.stem not in ("a_l", "b_mask", "a_img")]  # these say two things here
    files: dict[str, bytes] = {}
    truth: dict[str, str] = {}
    for one in tree:
        if one.has_photo:
            files[unicodedata.normalize(form, one.path(""))] = b""  # type: ignore[arg-type]
        if one.has_label:
            label = one.path("", ".png", "_mask")
            files[label] = b""
            truth[label] = owner(tree, one, "")
    for plan in plans(mask_file_plans, files)[:1]:
        # A mask without its photo is a photo by its name, and named as one.
        settled(plan, truth, list(truth))
        placed_or_named(plan, tree, "")


@few
@given(trees, st.sampled_from(["cat", "dog", "both"]), forms)
def test_every_mask_of_a_label_lands_on_its_own_photo_or_is_named(
    tree: list[Photo], of_first: str, form: str
) -> None:
    files: dict[str, bytes] = {}
    truth: dict[str, str] = {}
    for number, one in enumerate(tree):
        if one.has_photo:
            files[unicodedata.normalize(form, one.path("images"))] = b""  # type: ignore[arg-type]
        labels = ("cat", "dog") if number or of_first == "both" else (of_first,)
        for label in (one.path(f"masks/{name}", ".png") for name in labels if one.has_label):
            files[label] = b""
            truth[label] = owner(tree, one, "images")
    for plan in plans(mask_file_plans, files)[:1]:
        settled(plan, truth, list(truth))
        placed_or_named(plan, tree, "images")
        assert isinstance(plan.labels, Layered)
        for item in plan.items:
            assert all(
                f"/{name}/" in f"/{used}"
                for name, used in zip(plan.labels.names, item.masks, strict=True)
                if used
            )


whole_imports = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@whole_imports
@given(trees, st.sampled_from(["", "_mask"]), st.sampled_from(["", "-" + "long" * 60]), forms)
def test_what_is_copied_has_the_pixels_of_its_own_mask(
    tree: list[Photo], ending: str, longer: str, form: str
) -> None:
    tree = [replace(one, stem=one.stem + longer) for one in tree]
    files: dict[str, bytes] = {}
    for number, one in enumerate(tree, 1):
        if one.has_photo:
            files[unicodedata.normalize(form, one.path("images"))] = photo(number)  # type: ignore[arg-type]
        if one.has_label:
            files[one.path("masks", ".png", ending)] = mask(number)
    shutil.rmtree(workspace.datasets() / "mine", ignore_errors=True)
    try:
        result = whole(files)
    except UserError:
        return  # fewer than two pairs
    found = columns(result.data)
    assert all(number == wide for number, wide in found.items())
    words = nfc(sentences(result))
    for number, one in enumerate(tree, 1):
        if one.has_photo:
            assert number in found or nfc(one.path("images")) in words


@few
@given(trees, forms)
def test_every_yolo_file_lands_on_its_own_photo_or_is_named(tree: list[Photo], form: str) -> None:
    files: dict[str, bytes] = {}
    owners: dict[str, set[str]] = {}
    for number, one in enumerate(tree, 1):
        if one.has_photo:
            files[unicodedata.normalize(form, one.path("images"))] = b""  # type: ignore[arg-type]
        if one.has_label:
            files[one.path("labels", ".txt")] = yolo(number)
        if one.has_photo:
            owners.setdefault(one.path("labels", ".txt"), set()).add(nfc(one.path("images")))
    for plan in plans(yolo_plans, files):
        words = text_of(plan)
        assert isinstance(plan.labels, Drawn)
        for label in (name for name in files if name.endswith(".txt")):
            number = round(float(files[label].split()[3]) * SIDE)
            having = photos_with(plan.labels, number)
            assert having <= owners.get(label, set()) and len(having) <= 1
            assert having or label in words
        placed = {item.image for item in plan.items}
        shown = {nfc(name) for name in files if not name.endswith(".txt")}
        assert all(name in placed or name in words for name in shown)


@few
@given(trees, st.sampled_from(["", "C:\\work\\", "/data/set/", "./"]), forms, st.booleans())
def test_every_coco_outline_lands_on_its_own_photo_or_is_named(
    tree: list[Photo], before: str, form: str, is_beside: bool
) -> None:
    files: dict[str, bytes] = {o.path(""): b"" for o in tree if o.has_photo}
    images, annotations = [], []
    for number, one in enumerate(tree, 1):
        if one.has_label:
            name = before + unicodedata.normalize(form, one.path(""))  # type: ignore[arg-type]
            images.append({"id": number, "file_name": name, "height": SIDE, "width": SIDE})
            annotations.append({"image_id": number, "category_id": 1, "segmentation": polygon(number)})
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    files["all.json" if is_beside else "labels/all.json"] = json.dumps(content).encode()
    for plan in plans(annotation_plans, files):
        assert isinstance(plan.labels, Drawn)
        words = nfc(text_of(plan))
        for number, one in enumerate(tree, 1):
            having = photos_with(plan.labels, number)
            assert having <= {one.path("")}
            if one.has_label:
                assert having or one.path("") in words
            if one.has_photo:
                assert one.path("") in plan.labels.outlines or one.path("") in words
        assert all(len(o) <= 1 for o in plan.labels.outlines.values())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(STEMS), st.booleans(), st.booleans()), min_size=2, max_size=8,
                unique_by=lambda s: s[0]), st.sampled_from(["", "_mask"]), forms)  # fmt: skip
def test_pairs_of_a_folder_are_photos_with_their_own_masks(
    tmp_path_factory: pytest.TempPathFactory, stems: list[tuple[str, bool, bool]], ending: str, form: str
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for folder in ("images", "masks"):
        (root / folder).mkdir()
    for number, (stem, has_photo, has_mask) in enumerate(stems, 1):
        if has_photo or stem in ALIKE:
            (root / "images" / unicodedata.normalize(form, f"{stem}.png")).write_bytes(photo(number))  # type: ignore[arg-type]
        if has_mask or stem in ALIKE:
            (root / "masks" / f"{stem}{ending}.png").write_bytes(mask(number))
    found = find_pairs(root)
    words = nfc(" ".join(p.sentence for p in found.problems))
    for pair in found.pairs:
        stem = nfc(Path(pair.name).stem)
        assert pair.mask.stem in (stem, stem + ending)
    paired = {pair.mask.name for pair in found.pairs}
    assert all(m.name in paired or m.name in words for m in (root / "masks").iterdir())
