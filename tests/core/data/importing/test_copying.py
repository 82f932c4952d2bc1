"""From a plan to a folder: names that disks refuse."""

from tests.core.archives import picture
from tests.core.data.importing.class_masks import (
    BLUE,
    COUNT,
    GREEN,
    RARE,
    RED,
    colours,
    imported,
    names,
    photo,
)


def test_masks_of_long_names_are_written_again_with_colours_that_the_sample_missed() -> None:
    stems = [f"{i:03d}-{'long' * 60}" for i in range(COUNT)]
    masks = {f"masks/{stem}.png": picture(colours(RED, GREEN)) for stem in stems}
    masks[f"masks/{stems[RARE]}.png"] = picture(colours(RED, BLUE, GREEN))
    data = imported({f"images/{stem}.png": photo(0) for stem in stems} | masks).data
    assert len(data.pairs) == COUNT and len(list((data.root / "masks").iterdir())) == COUNT
    assert names(data, RARE) == ["colour #c80000", "colour #0000c8", "colour #00c800"]
