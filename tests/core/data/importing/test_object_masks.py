"""A mask file for each object, in a folder for each photo."""

from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source
from tests.core.archives import zipped
from tests.core.data.importing.imports import whole
from tests.core.data.importing.numbered import columns, mask, photo, sentences


def bowl(number: int, folder: str = "") -> dict[str, bytes]:
    """A photo as the Data Science Bowl packs it: as many objects as its number says, a column each."""
    files = {f"{folder}n{number}/images/n{number}.png": photo(number)}
    return files | {f"{folder}n{number}/masks/{i}f.png": mask(2 * i, 2 * i + 1) for i in range(number)}


def test_the_masks_of_a_photo_are_put_together() -> None:
    plan = recognise(open_source(zipped({**bowl(2), **bowl(3)})))[0]
    assert plan.layout == "A mask file for each object" and "5 masks of single objects" in plan.summary
    assert columns(whole({**bowl(2), **bowl(3)})) == {2: 2, 3: 3}


def test_folders_of_parts_above_the_photos_are_the_split() -> None:
    files = bowl(2, "stage1_train/") | bowl(3, "stage1_train/") | bowl(4, "val/")
    result = whole(files)
    assert columns(result) == {2: 2, 3: 3, 4: 4}


def test_a_photo_without_masks_is_named() -> None:
    result = whole({**bowl(2), **bowl(3), "n5/images/n5.png": photo(5)})
    assert columns(result) == {2: 2, 3: 3} and "n5/images/n5.png is in no folder" in sentences(result)


def test_an_object_of_another_size_leaves_its_photo_behind_by_name() -> None:
    import numpy as np

    from tests.core.archives import picture

    small = picture(np.full((4, 4), 255, np.uint8))
    result = whole({**bowl(2), **bowl(3), **bowl(4), "n4/masks/zf.png": small})
    assert columns(result) == {2: 2, 3: 3} and "n4/masks/zf.png has 4x4 pixels" in sentences(result)


def test_folders_of_pairs_are_not_taken_for_objects() -> None:
    files = {f"{s}/images/0.png": photo(n) for s, n in (("a", 1), ("b", 2))}
    files |= {f"{s}/masks/0.png": mask(0, n) for s, n in (("a", 1), ("b", 2))}
    plans = recognise(open_source(zipped(files)))
    assert "object" not in plans[0].layout and columns(whole(files)) == {1: 1, 2: 2}
