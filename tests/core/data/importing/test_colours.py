"""Colours that are classes: the rare ones that a sample misses, and those that are chosen."""

import pytest

from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source
from core.errors import UserError
from tests.core.archives import picture, zipped
from tests.core.data.importing.class_masks import (
    BLUE,
    COUNT,
    GREEN,
    RARE,
    RED,
    colours,
    columns,
    files,
    imported_classes,
    names,
    photo,
)


def test_a_rare_colour_is_a_class_of_its_own_and_is_reported() -> None:
    masks = [colours(RED, GREEN)] * COUNT
    masks[RARE] = colours(RED, BLUE, GREEN)
    assert "#0000c8" not in "".join(recognise(open_source(zipped(files(masks))))[0].labels.classes)
    result = imported_classes(files(masks))
    assert names(result.data, RARE) == ["colour #c80000", "colour #0000c8", "colour #00c800"]
    assert names(result.data, 0) == ["colour #c80000", "colour #00c800"]
    assert "#0000c8 is in 1 mask, first in masks/001.png" in result.notes[0]
    assert result.data.about["origin"]["notes"] == list(result.notes)


def test_a_second_colour_that_is_rare_makes_classes_of_what_looked_like_one_foreground() -> None:
    masks = [colours((0, 0, 0), RED)] * COUNT
    masks[RARE] = colours((0, 0, 0), GREEN)
    result = imported_classes(files(masks))
    assert names(result.data, RARE) == ["colour #000000", "colour #00c800"]
    assert names(result.data, 5) == ["colour #000000", "colour #c80000"] and result.notes


def test_blended_edges_are_no_classes_and_are_reported() -> None:
    edge = colours(*[RED] * 6, (150, 50, 0), (50, 150, 0), *[GREEN] * 4)
    masks = [colours(RED, GREEN)] * 20 + [edge] * 2
    result = imported_classes(files(masks))
    assert result.data.encoding.task.classes == ("colour #00c800", "colour #c80000")
    assert columns(result.data, 20) == [1, 0] and "nearest" in result.notes[0]


def test_colours_as_one_foreground_leave_black_out_and_are_refused_without_a_background() -> None:
    data = imported_classes(files([colours((0, 0, 0), RED, GREEN)] * 4), (), True).data
    assert data.encoding.task.kind == "binary" and columns(data, 0) == [0, 1]
    source = open_source(zipped(files([colours(RED, GREEN, BLUE)] * 4)))
    plan = recognise(source)[0]
    with pytest.raises(UserError, match="choose which classes"):
        plan.choosing(plan.labels.classes, True)
    assert plan.choosing(("colour #c80000",), True).labels.encoding() is not None


def test_chosen_colours_keep_the_others_as_background_or_ignored() -> None:
    content = files([colours((0, 0, 0), RED, GREEN, BLUE)] * 4)
    data = imported_classes(content, ("colour #000000", "colour #c80000"), False).data
    assert columns(data, 0) == [0, 1, 0]


def test_masks_of_long_names_are_written_again_with_colours_that_the_sample_missed() -> None:
    stems = [f"{i:03d}-{'long' * 60}" for i in range(COUNT)]
    masks = {f"masks/{stem}.png": picture(colours(RED, GREEN)) for stem in stems}
    masks[f"masks/{stems[RARE]}.png"] = picture(colours(RED, BLUE, GREEN))
    data = imported_classes({f"images/{stem}.png": photo(0) for stem in stems} | masks).data
    assert len(data.pairs) == COUNT and len(list((data.root / "masks").iterdir())) == COUNT
    assert names(data, RARE) == ["colour #c80000", "colour #0000c8", "colour #00c800"]


@pytest.mark.parametrize("colour", [RED, (250, 50, 83), (0, 0, 60), (255, 255, 255)])
def test_a_single_class_keeps_its_name_and_is_one_foreground(colour: tuple[int, int, int]) -> None:
    """As CVAT and Datumaro export "Segmentation mask" of a task with one label."""
    content = files([colours((0, 0, 0), colour, (0, 0, 0))] * 4)
    label = ",".join(map(str, colour))
    content["labelmap.txt"] = (
        f"# label:color_rgb:parts:actions\nbackground:0,0,0::\nperson:{label}::".encode()
    )
    assert recognise(open_source(zipped(content)))[0].labels.classes == ("background", "person")
    data = imported_classes(content).data
    assert data.encoding.task.kind == "binary" and columns(data, 0) == [0, 1, 0]
    assert "person" in data.about["mask_rule"]["meaning"]


def test_a_class_that_is_named_and_that_no_sampled_mask_holds_is_a_class() -> None:
    content = files([colours((0, 0, 0), RED)] * 4)
    content["labelmap.txt"] = b"background:0,0,0::\nperson:200,0,0::\ncar:0,200,0::"
    assert imported_classes(content).data.encoding.task.classes == ("background", "person", "car")
