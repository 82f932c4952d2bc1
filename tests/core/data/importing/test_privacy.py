"""What a photo says about its owner is not kept; its pixels are."""

import io

import numpy as np
import pytest
from PIL import Image

from core.data.photos import read_photo
from tests.core.archives import mask, photo, picture, scene, zipped
from tests.core.data.importing.imports import imported, labels_of


def placed(**more: object) -> bytes:
    """A photo with a place, an author, a comment and an orientation written into it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x013B] = "Somebody"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    stream = io.BytesIO()
    Image.fromarray(scene(0)[0]).save(stream, "JPEG", exif=exif, comment=b"secret comment")
    return stream.getvalue()


def test_place_and_author_are_not_kept_and_orientation_and_pixels_are() -> None:
    content = placed()
    turned = picture(np.rot90(scene(0)[1], -1) * np.uint8(255))
    files = {"images/0.jpg": content, "masks/0.png": turned, "images/1.jpg": photo(1), "masks/1.png": mask(1)}
    data = imported(zipped(files))
    kept = (data.root / "images" / "0.jpg").read_bytes()
    assert b"Somebody" not in kept and b"secret" not in kept
    exif = Image.open(io.BytesIO(kept)).getexif()
    assert dict(exif) == {0x0112: 6} and not exif.get_ifd(0x8825)
    assert np.array_equal(read_photo(kept), read_photo(content))
    assert kept[-20:] == content[-20:]  # the compressed pixels themselves are untouched
    assert np.array_equal(labels_of(data, "0.jpg"), np.rot90(scene(0)[1], -1))


@pytest.mark.parametrize("form", ["HEIF", "WEBP", "TIFF", "TIFF16", "CMYK", "GIF", "PALETTE", "MPO"])
def test_photos_of_every_kind_are_read_and_kept(form: str) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    array, stream = scene(0)[0], io.BytesIO()
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    match form:
        case "HEIF":
            Image.fromarray(array).save(stream, "HEIF", exif=exif)
        case "WEBP":
            Image.fromarray(array).save(stream, "WEBP", lossless=True, exif=exif)
        case "TIFF":
            Image.fromarray(array).save(stream, "TIFF", exif=exif)
        case "TIFF16":
            Image.fromarray(array[..., 0].astype(np.uint16) * 257).save(stream, "TIFF")
            array = np.repeat(array[..., :1], 3, axis=2)
        case "CMYK":
            Image.fromarray(array).convert("CMYK").save(stream, "JPEG", quality=98)
        case "GIF":
            frames = [Image.fromarray(scene(i)[0]) for i in range(3)]
            frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
        case "PALETTE":
            Image.fromarray(array).quantize(256).save(stream, "PNG")
        case _:
            frames = [Image.fromarray(scene(i)[0]) for i in range(2)]
            frames[0].save(stream, "MPO", save_all=True, append_images=frames[1:], quality=98)
    suffix = {"HEIF": "heic", "WEBP": "webp", "TIFF": "tif", "TIFF16": "tif", "GIF": "gif", "PALETTE": "png"}
    files = {f"images/0.{suffix.get(form, 'jpg')}": stream.getvalue(), "masks/0.png": mask(0)}
    files |= {"images/1.jpg": photo(1), "masks/1.png": mask(1)}
    data = imported(zipped(files))
    pair = next(pair for pair in data.pairs if pair.name.startswith("0."))
    kept = read_photo(pair.image)
    assert kept.shape == array.shape
    assert np.abs(kept.astype(int) - array).mean() < 12
    assert not Image.open(pair.image).getexif().get_ifd(0x8825)
