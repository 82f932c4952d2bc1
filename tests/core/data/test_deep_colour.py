"""Colour photos of 16 bits a channel are read to the last bit, by the app and by the exported script."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import checks, findings, fixes
from core.data.dataset import open_data
from core.data.importing.privacy import for_keeping
from core.data.photos import deep_values, open_picture, read_photo, value_extremes
from core.data.value_range import eight_bit
from core.errors import UserError
from core.export import predict
from tests.deep_photos import Deep, png, samples, tiff

RGB, RGBA, GREY_ALPHA = samples(3), samples(4), samples(2)
FILES = {
    "png": (png(RGB), RGB),
    "png with alpha": (png(RGBA), RGBA),
    "png, grey with alpha": (png(GREY_ALPHA), GREY_ALPHA[..., [0, 0, 0, 1]]),
    "png, turned": (png(RGB, turn=6), np.rot90(RGB, -1)),
    "tiff": (tiff(RGB), RGB),
    "tiff, big-endian": (tiff(RGB, "MM"), RGB),
    "tiff, big-endian, with alpha": (tiff(RGBA, "MM"), RGBA),
    "tiff, with a fourth channel that means nothing": (tiff(RGBA, alpha=0), RGBA[..., :3]),
    "tiff, compressed": (tiff(RGB, packed=True), RGB),
    "tiff, big-endian, compressed, with alpha": (tiff(RGBA, "MM", packed=True), RGBA),
    "tiff, turned": (tiff(RGB, turn=6), np.rot90(RGB, -1)),
}


def all_samples(content: bytes) -> Deep:
    return deep_values(content, open_picture(content))


@pytest.mark.parametrize("kind", FILES)
def test_every_sample_is_what_was_written(kind: str, tmp_path: Path) -> None:
    content, expected = FILES[kind]
    file = tmp_path / "photo.any"
    file.write_bytes(content)
    for source in (content, file, io.BytesIO(content)):
        assert np.array_equal(deep_values(source, open_picture(source)), expected)
    assert value_extremes(file) == (expected[..., :3].min(), expected[..., :3].max())


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("value_range", [None, (0.0, 4095.0), (500.0, 600.0)])
def test_the_exported_script_reads_the_same(
    kind: str, value_range: tuple[float, float] | None, tmp_path: Path
) -> None:
    file = tmp_path / "photo.any"
    file.write_bytes(FILES[kind][0])
    ours = read_photo(file, value_range=value_range)
    assert np.array_equal(predict.read(file, list(value_range) if value_range else None), ours)


@pytest.mark.parametrize("write", [png, tiff])
def test_values_are_scaled_from_the_range_of_the_data_set(write: type) -> None:
    values = samples(3, 4095)
    expected = (values / 4095 * 255).round()
    assert np.array_equal(read_photo(write(values), value_range=(0.0, 4095.0)), expected)
    assert read_photo(write(values)).max() == 16  # without a range, of 16 bits


def test_transparency_lies_on_white() -> None:
    values = samples(4)
    share = np.round(values[..., 3:] / 65535 * 255) / 255
    expected = eight_bit(values[..., :3]) * share + 255 * (1 - share)
    assert np.abs(read_photo(png(values)) - expected).max() <= 1


def test_one_colour_may_be_transparent_and_its_neighbour_of_one_step_is_not() -> None:
    values = samples(3)
    values[3, 3], values[4, 4] = (256, 512, 768), (256, 512, 769)
    content = png(values, clear=(256, 512, 768))
    assert list(zip(*np.where(all_samples(content)[..., 3] == 0), strict=True)) == [(3, 3)]
    assert read_photo(content)[3, 3].tolist() == [255, 255, 255]
    assert read_photo(content)[4, 4].tolist() == [1, 2, 3]


def test_colours_multiplied_by_alpha_are_divided_by_it(tmp_path: Path) -> None:
    values = samples(4)
    values[..., 3] = np.maximum(values[..., 3], 30000)
    stored = values.copy()
    stored[..., :3] = (values[..., :3] * (values[..., 3:] / 65535)).round()
    file = tmp_path / "photo.tif"
    file.write_bytes(tiff(stored, alpha=1))
    assert np.abs(all_samples(file.read_bytes()).astype(int) - values).max() <= 2
    assert np.array_equal(predict.read(file), read_photo(file))


@pytest.mark.parametrize("packed", [False, True])
def test_colours_in_planes_are_refused_rather_than_misread(packed: bool, tmp_path: Path) -> None:
    file = tmp_path / "planes.tif"
    file.write_bytes(tiff(RGB, planes=True, packed=packed))
    with pytest.raises(UserError, match=r"planes\.tif keeps each 16-bit colour in a plane"):
        read_photo(file)
    with pytest.raises(ValueError, match="plane"):
        predict.read(file)


@pytest.mark.parametrize("turn", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("channels", [3, 4])
def test_an_import_keeps_every_sample(turn: int, channels: int) -> None:
    for content in (png(samples(channels), turn=turn), tiff(samples(channels), turn=turn)):
        suffix, kept = for_keeping(content, "photo.tif" if content[:2] == b"II" else "photo.png")
        assert np.array_equal(all_samples(kept), all_samples(content)) and suffix == ".png"
        assert Image.open(io.BytesIO(kept)).size == (31, 19)  # as it was stored, like its mask
        assert Image.open(io.BytesIO(kept)).getexif().get(0x0112, 1) == turn


def test_colours_of_12_bits_are_a_finding_and_one_click_mends_it(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for number in range(3):
        (tmp_path / "images" / f"{number}.png").write_bytes(png(samples(3, 4095)))
        mask = np.zeros((19, 31), np.uint8)
        mask[:9] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    report = next(r for r in checks.check(open_data(tmp_path)) if isinstance(r, checks.Report))
    assert findings.counts(report.table)["range"] == 3
    data = fixes.set_range(open_data(tmp_path), findings.suggested_range(report.table))
    assert data.value_range == (0, 4095)
    assert read_photo(data.pairs[0].image, value_range=data.value_range).max() == 255
