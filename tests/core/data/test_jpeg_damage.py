"""JPEGs with flipped bits are named by the check and at import; sound ones of every kind are not."""

import io
import random

import pytest
from PIL import Image

from core.data import checks, demo
from core.data.jpeg_damage import is_damaged_jpeg
from tests.core.archives import mask, photo, zipped
from tests.core.data.importing.imports import whole


def jpeg(mode: str = "RGB", number: int = 0, **options: object) -> bytes:
    stream = io.BytesIO()
    drawn = Image.fromarray(demo.draw_scene(number, 192, 128)[0]).convert(mode)
    drawn.save(stream, "JPEG", **options)  # type: ignore[arg-type]
    return stream.getvalue()


def flipped(content: bytes, seed: int, bits: int = 20) -> bytes:
    """Bits of the compressed data changed so that no marker comes or goes: the file ends as it should."""
    changed, rng = bytearray(content), random.Random(seed)
    begin = content.rfind(b"\xff\xda") + 20
    while bits:
        at = rng.randrange(begin, len(content) - 4)
        if 0xFF not in changed[at - 1 : at + 2] and changed[at] ^ 4 != 0xFF:
            changed[at] ^= 4
            bits -= 1
    return bytes(changed)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(
    "options",
    [{}, {"quality": 100}, {"quality": 5}, {"progressive": True}, {"subsampling": 0}, {"optimize": True},
     {"restart_marker_blocks": 4}, {"comment": b"x" * 500}],
)  # fmt: skip
def test_sound_jpegs_of_every_kind_are_not_damaged(mode: str, options: dict[str, object]) -> None:
    assert not any(is_damaged_jpeg(jpeg(mode, number, **options)) for number in range(3))


def test_half_of_small_jpegs_with_flipped_bits_are_damaged() -> None:
    assert sum(is_damaged_jpeg(flipped(jpeg(), seed)) for seed in range(20)) >= 8


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xd9", b"GIF89a"])
def test_what_is_no_jpeg_is_no_damaged_one(content: bytes) -> None:
    is_damaged_jpeg(content)
    assert not is_damaged_jpeg(content[2:])


def test_check_and_import_name_it_and_keep_it() -> None:
    bad = next(b for seed in range(20) if is_damaged_jpeg(b := flipped(photo(0), seed)))
    files = {f"images/{i}.jpg": photo(i) for i in range(1, 4)} | {f"masks/{i}.png": mask(i) for i in range(4)}
    result = whole(zipped({**files, "images/0.jpg": bad}))
    assert "0.jpg" in " ".join(result.notes) and len(result.data.pairs) == 4
    report = next(step for step in checks.check(result.data) if isinstance(step, checks.Report))
    found = report.table.set_index("name")["findings"]
    assert [name for name in found.index if "damaged" in found[name].split()] == ["0.jpg"]
