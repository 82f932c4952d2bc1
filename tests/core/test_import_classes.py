"""Classes: the rare ones that a sample misses, and those that are chosen."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.cli import main
from core.data.dataset import DataFolder, open_data
from core.data.importing import Imported, bring_in, open_source, recognise
from core.data.importing.mask_files import SAMPLED
from core.data.store import read_pair
from core.errors import UserError
from core.system import workspace
from core.task import IGNORE
from tests.core.archives import picture, zipped

COUNT = 2 * SAMPLED + 10
RARE = 1  # of the sample, which takes every second mask or so, this is none
RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)


def photo(number: int) -> bytes:
    return picture(np.full((24, 24, 3), number % 256, np.uint8))


def files(masks: list[np.ndarray], **more: bytes) -> dict[str, bytes]:
    found = {f"images/{i:03d}.png": photo(i) for i in range(len(masks))}
    return found | {f"masks/{i:03d}.png": picture(mask) for i, mask in enumerate(masks)} | more


def ids(*values: int) -> np.ndarray:
    """A mask in columns of these values."""
    return np.repeat(np.array(values, np.uint8), 24 // len(values))[None].repeat(24, 0)


def colours(*values: tuple[int, int, int]) -> np.ndarray:
    return np.repeat(np.array(values, np.uint8), 24 // len(values), 0)[None].repeat(24, 0)


def brought(content: dict[str, bytes], chosen: tuple[str, ...] = (), as_one: bool | None = None) -> Imported:
    source = open_source(zipped(content))
    plan = recognise(source)[0]
    if as_one is not None:
        plan = plan.choosing(chosen or plan.labels.classes, as_one)
    return next(r for r in bring_in(source, plan, "mine") if isinstance(r, Imported))


def columns(data: DataFolder, number: int) -> list[int]:
    """The labels along the middle row of a photo's mask, each once."""
    row = read_pair(data.pairs[number], data.rule)[1][12]
    return [int(row[0]), *(int(b) for a, b in pairwise(row) if a != b)]


def names(data: DataFolder, number: int) -> list[str]:
    return [data.rule.task.classes[i] if i != IGNORE else "" for i in columns(data, number)]


def test_a_rare_colour_is_a_class_of_its_own_and_is_told() -> None:
    masks = [colours(RED, GREEN)] * COUNT
    masks[RARE] = colours(RED, BLUE, GREEN)
    assert "#0000c8" not in "".join(recognise(open_source(zipped(files(masks))))[0].labels.classes)
    result = brought(files(masks))
    assert names(result.data, RARE) == ["colour #c80000", "colour #0000c8", "colour #00c800"]
    assert names(result.data, 0) == ["colour #c80000", "colour #00c800"]
    assert "#0000c8 is in 1 masks, first in masks/001.png" in result.notes[0]
    assert result.data.about["origin"]["notes"] == list(result.notes)


def test_a_second_colour_that_is_rare_makes_classes_of_what_looked_like_one_foreground() -> None:
    masks = [colours((0, 0, 0), RED)] * COUNT
    masks[RARE] = colours((0, 0, 0), GREEN)
    result = brought(files(masks))
    assert names(result.data, RARE) == ["colour #000000", "colour #00c800"]
    assert names(result.data, 5) == ["colour #000000", "colour #c80000"] and result.notes


def test_blended_edges_are_no_classes_and_are_told() -> None:
    edge = colours(*[RED] * 6, (150, 50, 0), (50, 150, 0), *[GREEN] * 4)
    masks = [colours(RED, GREEN)] * 20 + [edge] * 2
    result = brought(files(masks))
    assert result.data.rule.task.classes == ("colour #00c800", "colour #c80000")
    assert columns(result.data, 20) == [1, 0] and "nearest" in result.notes[0]


@pytest.mark.parametrize("listed", [b"background\ncat\n", b"background\ncat\ndog\n"])
def test_a_rare_class_index_is_a_class_and_no_void(listed: bytes) -> None:
    masks = [ids(0, 1, 2)] * COUNT
    masks[RARE] = ids(0, 3)
    result = brought(files(masks) | {"classes.txt": listed})
    assert names(result.data, RARE) == ["background", "class 3"]
    assert "The value 3 is in 1 masks, first in masks/001.png" in result.notes[0]


def test_a_rare_void_is_void_and_no_class() -> None:
    masks = [ids(0, 1, 2)] * COUNT
    masks[RARE] = ids(0, 2, 255)
    result = brought(files(masks) | {"classes.txt": b"background\ncat\ndog\n"})
    assert names(result.data, RARE) == ["background", "dog", ""]


FOUR = b"background\ncat\ndog\nhorse\n"


def test_chosen_class_indices_are_kept_and_the_others_are_background() -> None:
    content = files([ids(0, 1, 2, 3)] * 4) | {"classes.txt": FOUR}
    data = brought(content, ("background", "cat"), False).data
    assert data.rule.task.classes == ("background", "cat") and columns(data, 0) == [0, 1, 0]


def test_chosen_class_indices_without_a_background_ignore_the_others() -> None:
    content = files([ids(0, 1, 2, 3)] * 4) | {"classes.txt": FOUR}
    data = brought(content, ("dog", "cat"), False).data
    assert data.rule.task.classes == ("cat", "dog") and columns(data, 0) == [IGNORE, 0, 1, IGNORE]


@pytest.mark.parametrize("chosen", [(), ("background", "cat", "dog", "horse"), ("cat", "dog", "horse")])
def test_classes_as_one_foreground_leave_the_background_out(chosen: tuple[str, ...]) -> None:
    content = files([ids(0, 1, 2, 3)] * 4) | {"classes.txt": FOUR}
    data = brought(content, chosen, True).data
    assert data.rule.task.kind == "binary" and columns(data, 0) == [0, 1]


def test_a_pascal_voc_set_as_one_foreground_has_one_and_keeps_its_void() -> None:
    content = {f"VOC/JPEGImages/{i}.jpg": picture(np.zeros((24, 24, 3), np.uint8), "JPEG") for i in range(3)}
    content |= {f"VOC/SegmentationClass/{i}.png": picture(ids(0, 15, 15, 255)) for i in range(3)}
    data = brought(content, (), True).data
    assert data.rule.task.kind == "binary" and columns(data, 0) == [0, 1, IGNORE]


def test_colours_as_one_foreground_leave_black_out_and_are_refused_without_a_background() -> None:
    data = brought(files([colours((0, 0, 0), RED, GREEN)] * 4), (), True).data
    assert data.rule.task.kind == "binary" and columns(data, 0) == [0, 1]
    source = open_source(zipped(files([colours(RED, GREEN, BLUE)] * 4)))
    plan = recognise(source)[0]
    with pytest.raises(UserError, match="choose which classes"):
        plan.choosing(plan.labels.classes, True)
    assert plan.choosing(("colour #c80000",), True).labels.rule() is not None


def test_chosen_colours_keep_the_others_as_background_or_ignored() -> None:
    content = files([colours((0, 0, 0), RED, GREEN, BLUE)] * 4)
    data = brought(content, ("colour #000000", "colour #c80000"), False).data
    assert columns(data, 0) == [0, 1, 0]


def test_classes_of_an_own_data_set_can_be_chosen_when_it_is_imported_again() -> None:
    task = b'{"kind": "multiclass", "classes": ["sky", "cat", "dog"], "values": [0, 4, 9]}'
    about = b'{"mask_rule": {"task": ' + task + b"}}"
    content = files([ids(0, 4, 9)] * 4) | {"dataset.json": about}
    assert columns(brought(content, ("cat",), True).data, 0) == [0, 1, 0]


def test_the_command_line_imports_chosen_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pile.zip").write_bytes(
        zipped(files([ids(0, 1, 2, 3)] * 4) | {"classes.txt": FOUR}).getvalue()
    )
    given = ["data", "import", str(tmp_path / "pile.zip"), "--name", "mine", "--classes", "background,cat"]
    assert main([*given, "--as-classes"]) == 0
    data = open_data(workspace.datasets() / "mine")
    assert data.rule.task.classes == ("background", "cat") and columns(data, 0) == [0, 1, 0]
