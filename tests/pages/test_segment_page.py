"""The Segment page, run as Streamlit runs it, without a browser."""

import io
import json

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data.photos import read_photo
from core.data.samples import sample_bytes
from tests.pages.test_pages import opened, words


@pytest.fixture
def page() -> AppTest:
    app = opened("segment")
    assert not app.exception, app.exception
    return app


def portrait(side: int) -> bytes:
    """The astronaut as a photo of another size."""
    stream = io.BytesIO()
    Image.fromarray(read_photo(sample_bytes("Astronaut"))).resize((side, side)).save(stream, "PNG")
    return stream.getvalue()


def blank(side: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (side, side), (90, 120, 150)).save(stream, "PNG")
    return stream.getvalue()


def downloads(app: AppTest) -> list[str]:
    return [each.proto.label for each in app.get("download_button")]


def upload(app: AppTest, *photos: bytes) -> None:
    files = [(f"{number}.png", content, "image/png") for number, content in enumerate(photos)]
    app.file_uploader(key="uploads").set_value(files).run()
    assert not app.exception, app.exception


def test_the_page_says_what_the_model_finds_and_takes_large_photos_by_camera(page: AppTest) -> None:
    assert "Subject, lite0 finds the main subject" in words(page).replace("\\", "")
    page.segmented_control(key="origin").set_value("Camera").run()
    assert page.get("camera_input")[0].proto.resolution_height == 1080  # not as small as the widget


def test_a_photo_without_a_subject_says_what_the_model_finds(page: AppTest) -> None:
    upload(page, blank(64))
    assert len(page.warning) == 1
    sentence = page.warning[0].value.replace("\\", "")
    found = "Subject, lite0 finds the main subject. No pixel of this photo reaches the threshold"
    assert sentence.startswith(found)


def test_counting_keeps_the_downloads_of_pictures_and_names_units(page: AppTest) -> None:
    page.segmented_control(key="view").set_value("Count").run()
    assert downloads(page) == ["Cut-out", "Mask", "Overlay", "Table as CSV"]
    labels = [column.get("label") for column in json.loads(page.dataframe[0].proto.columns).values()]
    assert {"Left (px)", "Area (px)", "Centre x (px)", "Share of the photo (%)"} <= set(labels)


def test_a_view_changes_no_setting(page: AppTest) -> None:
    page.segmented_control(key="background").set_value("grey").run()
    for view in ("Mask", "Cut-out"):
        page.segmented_control(key="view").set_value(view).run()
    assert page.segmented_control(key="background").value == "grey"


def test_a_zip_made_with_other_settings_is_marked_and_stays_until_it_is_made_again(page: AppTest) -> None:
    upload(page, portrait(48), portrait(52))
    page.button(key="process_all").click().run()
    assert downloads(page)[-1].startswith("Download the zip")
    page.selectbox(key="photo_number").set_value(1).run()
    assert downloads(page)[-1].startswith("Download the zip") and not page.warning
    page.segmented_control(key="background").set_value("grey").run()
    assert downloads(page)[-1].startswith("Download the earlier zip")
    assert "process the photos again" in page.warning[0].value
    page.button(key="process_all").click().run()
    assert downloads(page)[-1].startswith("Download the zip") and not page.warning


def test_a_zip_of_other_photos_is_marked(page: AppTest) -> None:
    upload(page, portrait(48), portrait(52))
    page.button(key="process_all").click().run()
    upload(page, portrait(48), portrait(56))
    assert downloads(page)[-1].startswith("Download the earlier zip")


def test_a_video_made_with_other_settings_is_marked(page: AppTest) -> None:
    stream = io.BytesIO()
    frames = [Image.new("RGB", (64, 48), (shade, 90, 90)) for shade in (40, 80)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=100)
    page.segmented_control(key="origin").set_value("Video").run()
    page.file_uploader(key="clip_upload").set_value(("a.gif", stream.getvalue(), "image/gif")).run()
    page.button(key="process_video").click().run()
    assert not page.exception and downloads(page)[-1] == "Download the video"
    page.segmented_control(key="background").set_value("grey").run()
    assert downloads(page)[-1] == "Download the earlier video"
    assert "process the video again" in page.warning[-1].value
