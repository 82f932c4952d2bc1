"""Photos as people have them, each from upload to full-size cut-out, in a real browser."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from core.data.photos import read_photo
from core.data.samples import sample_bytes
from tests.browser.test_app import visit
from tests.served import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
ORIENTATION, TURNED_RIGHT = 0x0112, 6


def astronaut(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    return Image.fromarray(read_photo(sample_bytes("Astronaut"))).resize(size).convert(mode)


def as_bytes(picture: Image.Image, form: str, **save: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **save)
    return stream.getvalue()


def from_a_phone() -> bytes:
    """Held upright: the sensor's rows lie across, and the file says so."""
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED_RIGHT
    return as_bytes(astronaut((1200, 1600)).rotate(90, expand=True), "JPEG", exif=exif)


def see_through() -> bytes:
    """Half of it transparent: what is behind is white, and the photo is cut out as any other."""
    picture = astronaut((600, 600), "RGBA")
    picture.putalpha(Image.fromarray(np.repeat(np.uint8([[255] * 300 + [90] * 300]), 600, 0)))
    return as_bytes(picture, "PNG")


def panorama() -> bytes:
    wide = Image.new("RGB", (4000, 500), (120, 150, 180))
    wide.paste(astronaut((500, 500)), (1700, 0))
    return as_bytes(wide, "JPEG")


PHOTOS = {
    "large.jpg": (lambda: as_bytes(astronaut((4000, 3000)), "JPEG", quality=90), (4000, 3000), (0.3, 0.7)),
    "phone.jpg": (from_a_phone, (1200, 1600), (0.3, 0.7)),
    "alpha.png": (see_through, (600, 600), (0.2, 0.7)),
    "panorama.jpg": (panorama, (4000, 500), (0.01, 0.15)),
    "icon.png": (lambda: as_bytes(astronaut((64, 64)), "PNG"), (64, 64), (0.3, 0.7)),
}


@pytest.mark.parametrize("name", PHOTOS)
def test_it_is_cut_out_at_its_own_size(page: Page, app: App, name: str) -> None:
    make, size, (least, most) = PHOTOS[name]
    visit(page, app)
    page.set_input_files("input[type=file]", {"name": name, "mimeType": "image/*", "buffer": make()})
    expect(page.get_by_text(re.compile(rf"{re.escape(name)} · "))).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    with page.expect_download(timeout=90_000) as saved:  # 12 megapixels on busy cores
        page.get_by_test_id("stDownloadButton").filter(has_text="Cut-out").get_by_role("button").click()
    cut = opened(saved.value.path())
    assert (cut.size, cut.mode) == (size, "RGBA")
    assert least < (np.asarray(cut)[..., 3] > 127).mean() < most


def opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        picture.load()
    return picture
