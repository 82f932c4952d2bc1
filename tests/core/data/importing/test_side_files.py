"""Lists of names beside the pictures say which set a photo belongs to."""

from tests.core.archives import mask, photo, zipped
from tests.core.data.importing import numbered
from tests.core.data.importing.imports import imported, whole


def test_a_split_json_with_a_test_part_is_kept_and_validation_is_dealt_from_the_rest() -> None:
    files = {f"images/{i}.jpg": photo(i) for i in range(10)} | {f"masks/{i}.png": mask(i) for i in range(10)}
    files["split.json"] = b'{"train": ["2.jpg"], "test": ["0.jpg", "1.jpg"]}'
    data = imported(zipped(files))
    assert data.split.test == ("0.jpg", "1.jpg")
    assert len(data.split.validation) == 2 and len(data.split.train) == 6


def test_a_list_of_names_puts_photos_of_equal_names_into_their_own_part() -> None:
    files = {f"{site}/{folder}/{n}.png": make(n + 4 * (site == "b")) for site in "ab" for n in range(1, 4)
             for folder, make in (("images", numbered.photo), ("masks", numbered.mask))}  # fmt: skip
    files |= {
        "train.txt": b"a/images/1.png\na/images/2.png\na/images/3.png\n",
        "val.txt": b"b/images/1.png\n",
    }
    data = whole(zipped(files)).data
    assert "b-images-1.png" in data.split.validation
    assert {f"a-images-{n}.png" for n in (1, 2, 3)} <= set(data.split.train)
