"""Kaggle's run lengths in a CSV."""

import numpy as np
import pytest

from core.data.importing.plan import preview
from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source
from core.errors import UserError
from tests.core.archives import zipped
from tests.core.data.importing.imports import whole
from tests.core.data.importing.numbered import SIDE, columns, photo, sentences


def runs(number: int, first: int = 0) -> str:
    """Run lengths of this many columns from the first on, in one run for each column."""
    return " ".join(f"{SIDE * column + 1} {SIDE}" for column in range(first, first + number))


def table(header: str, *rows: tuple[str, ...]) -> bytes:
    return "\n".join([header, *(",".join(row) for row in rows)]).encode()


PHOTOS = {f"train/{n}.png": photo(n) for n in (1, 2, 3)}


def test_rows_of_one_photo_are_put_together_and_an_empty_one_is_background() -> None:
    rows = [("1.png", runs(1)), ("2.png", runs(1)), ("2.png", runs(1, 5)), ("3.png", "")]
    result = whole({**PHOTOS, "train.csv": table("ImageId,EncodedPixels", *rows)})
    assert columns(result) == {1: 1, 2: 2, 3: 0}


def test_names_may_lack_the_suffix_and_classes_stand_in_a_column_or_in_the_name() -> None:
    by_column = table("ImageId,ClassId,EncodedPixels", ("1", "3", runs(1)), ("2", "4", runs(2)))
    by_name = table("Image_Label,EncodedPixels", ("1.png_Fish", runs(1)), ("2.png_Sand", runs(2)))
    for text, names in ((by_column, ("class 3", "class 4")), (by_name, ("Fish", "Sand"))):
        plan = recognise(open_source(zipped({**PHOTOS, "train.csv": text})))[0]
        assert plan.labels.classes == names and len(plan.items) == 2


def test_the_runs_are_read_down_the_columns_and_along_the_rows_as_a_second_reading() -> None:
    plans = recognise(open_source(zipped({**PHOTOS, "a.csv": table("id,rle_mask", ("1", runs(4)))})))
    assert [plan.layout.partition(", ")[2] for plan in plans] == ["down the columns", "along the rows"]
    carvana = zipped({**PHOTOS, "train_masks.csv": table("img,rle_mask", ("1.png", runs(4)))})
    source = open_source(carvana)
    first = recognise(source)[0]
    assert first.layout.endswith("along the rows")
    labels = preview(source, first, first.items[0], 100)[1]
    assert (labels[:4] == 1).all() and (labels[4:] == 0).all()


@pytest.mark.parametrize("bad", ["1 40000", "0 5", "9 x", "1 2 3"])
def test_runs_that_cannot_be_leave_their_photo_behind_by_name(bad: str) -> None:
    rows = [("1.png", runs(1)), ("2.png", bad), ("3.png", runs(3))]
    result = whole({**PHOTOS, "train.csv": table("ImageId,EncodedPixels", *rows)})
    assert columns(result) == {1: 1, 3: 3} and "2.png" in sentences(result)


def test_an_example_of_an_answer_is_no_label() -> None:
    rows = [("1.png", "1 1"), ("2.png", "1 1")]
    example = {"sample_submission.csv": table("ImageId,EncodedPixels", *rows)}
    with pytest.raises(UserError, match="is a Kaggle run-length file, but it is a sample submission"):
        recognise(open_source(zipped({**PHOTOS, **example})))
    labels = table("ImageId,EncodedPixels", ("1.png", runs(1)), ("3.png", runs(3)))
    assert columns(whole({**PHOTOS, **example, "train.csv": labels})) == {1: 1, 3: 3}


def test_a_large_photo_is_one_cell() -> None:
    long = " ".join(f"{at} 1" for at in range(1, 50_000, 2))
    assert len(long) > 131_072  # what the csv module allows by itself
    source = zipped({**PHOTOS, "train.csv": table("ImageId,EncodedPixels", ("1.png", long))})
    assert len(recognise(open_source(source))[0].items) == 1


def test_a_table_of_something_else_is_none_of_its_concern() -> None:
    files = {**PHOTOS, "prices.csv": table("id,annotation", ("1", "none yet"), ("2", "a dog"))}
    with pytest.raises(UserError, match="no masks that go with photos"):
        recognise(open_source(zipped(files)))


def test_an_outline_keeps_its_shape_on_photos_that_are_not_square() -> None:
    from core.data.importing.shapes import StartRuns

    truth = np.zeros((3, 5), bool)
    truth[1:3, 2:4] = True
    assert np.array_equal(StartRuns(np.array([8, 2, 11, 2])).inside(3, 5), truth)
    assert np.array_equal(StartRuns(np.array([8, 2, 13, 2]), by_rows=True).inside(3, 5), truth)
