"""What a person does with the app, in their order, in a real browser.

The tests of this file share one server and one workspace: the training that one starts, the next
finds again.
"""

import io
import re
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from core.data import demo
from core.data.photos import read_photo
from core.data.samples import sample_bytes
from core.runs import run_folder
from core.runs.history import History
from tests.builders import tiny, trained, write_scenes
from tests.limits import seconds
from tests.served import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]
COLD_SERVER = True  # what a page takes at first, its imports included
SLIDER = ".pair"


@pytest.fixture(scope="module", autouse=True)
def fewer_drawn_people(app: App) -> None:
    """A fifth of the built-in data, so that *Quick look* takes a fifth of its time."""
    list(demo.generate(app.workspace / "datasets" / demo.NAME, pairs=48))


def visit(page: Page, app: App, path: str = "") -> None:
    page.goto(f"{app.url}/{path}")
    expect(page.locator("h1")).to_be_visible()


def choose_quick_look(page: Page) -> None:
    page.get_by_role("combobox", name="Preset").click(timeout=60_000)
    page.get_by_role("option", name="Quick look").click()
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page's script has run to its end."""
    app = page.locator("[data-testid=stApp]")
    expect(app).to_have_attribute("data-test-script-state", "notRunning")


def portrait(width: int, height: int, **save: object) -> bytes:
    """The astronaut as a photo of another size."""
    stream = io.BytesIO()
    Image.fromarray(read_photo(sample_bytes("Astronaut"))).resize((width, height)).save(
        stream, "JPEG", **save
    )
    return stream.getvalue()


def covered(page: Page) -> float:
    """The per cent of the photo that the page says its subject covers."""
    found = re.search(r"subject covers ([\d.]+)", page.inner_text("body"))
    assert found
    return float(found[1])


def metric(page: Page, label: str) -> float:
    shown = (
        page.get_by_test_id("stMetric").filter(has_text=re.compile(f"^{re.escape(label)}")).first.inner_text()
    )
    found = re.search(r"0\.\d+", shown)
    assert found, shown
    return float(found[0])


def test_a_link_to_a_page_opens_the_whole_app_on_a_fresh_server(page: Page, app: App) -> None:
    visit(page, app, "models")
    expect(page.get_by_role("link", name="Segment")).to_be_visible()
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)


def test_where_to_start_is_shown_until_it_is_dismissed(page: Page, app: App) -> None:
    visit(page, app, "machine")
    page.get_by_role("button", name="Hide").click()
    expect(page.get_by_text("Start here")).to_have_count(0)
    settle(page)
    page.reload()
    expect(page.get_by_text("Photos stay on the machine")).to_be_visible()
    expect(page.get_by_text("Start here")).to_have_count(0)


def test_a_sample_is_cut_out_within_ten_seconds_of_opening(page: Page, app: App) -> None:
    start = time.monotonic()
    visit(page, app)
    expect(page.locator(SLIDER)).to_be_visible(timeout=15_000)
    expect(page.get_by_text("subject covers")).to_be_visible()
    assert time.monotonic() - start < seconds(10)
    assert 40 < covered(page) < 70  # the astronaut fills a little more than half of her portrait


def test_an_uploaded_photo_shows_its_mask_and_downloads_at_full_size(page: Page, app: App) -> None:
    visit(page, app)
    photo = portrait(1500, 1000)
    page.set_input_files("input[type=file]", {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": photo})
    expect(page.get_by_text("1500 x 1000")).to_be_visible()
    page.get_by_text("Mask", exact=True).first.click()
    expect(page.locator(f"{SLIDER} .right")).to_have_text("Mask")
    with page.expect_download() as saved:
        page.get_by_test_id("stDownloadButton").filter(has_text="Cut-out").get_by_role("button").click()
    cut = Image.open(saved.value.path())
    assert (cut.size, cut.mode, saved.value.suggested_filename) == ((1500, 1000), "RGBA", "me_cutout.png")
    share = (np.asarray(cut)[..., 3] > 127).mean()
    assert 0.4 < share < 0.7


def test_the_threshold_is_followed_at_once(page: Page, app: App) -> None:
    visit(page, app)
    expect(page.get_by_text("subject covers")).to_be_visible()
    settle(page)
    before = covered(page)
    handle = page.get_by_test_id("stSlider").get_by_role("slider")
    handle.focus()
    for _ in range(40):
        handle.press("ArrowRight")
    start = time.monotonic()
    while covered(page) == before and time.monotonic() - start < 5:
        page.wait_for_timeout(50)
    assert covered(page) < before
    assert time.monotonic() - start < seconds(3)


def test_the_subject_is_put_on_another_background_and_downloaded(page: Page, app: App) -> None:
    visit(page, app)
    expect(page.locator(SLIDER)).to_be_visible()
    after = page.locator(f"{SLIDER} .after")
    for kind in ("Blur", "Colour"):
        before = after.get_attribute("src") or ""
        page.get_by_role("radio", name=kind).click()
        expect(after).not_to_have_attribute("src", before)
        settle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Cut-out").click()
    with Image.open(download.value.path()) as cut:
        assert cut.mode == "RGB" and cut.size == (512, 512) and cut.getpixel((300, 5)) == (255, 255, 255)


def test_the_components_are_counted_and_listed(page: Page, app: App) -> None:
    visit(page, app)
    page.get_by_role("radio", name="Count").click()
    expect(page.get_by_text(re.compile(r"^\d+ components?, [\d.]+ % of the photo"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Table as CSV").click()
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("number,area,share") and len(lines) >= 2


def test_many_photos_become_one_zip(page: Page, app: App) -> None:
    visit(page, app)
    photos = [
        {"name": f"{i}.jpg", "mimeType": "image/jpeg", "buffer": portrait(300 + i, 200)} for i in range(3)
    ]
    bad = {"name": "bad.jpg", "mimeType": "image/jpeg", "buffer": b"hello"}
    page.set_viewport_size({"width": 1280, "height": 720})
    page.locator("input[type=file]").set_input_files([*photos, bad])  # type: ignore[list-item]
    button = page.get_by_role("button", name="Process all 4 photos")
    button.scroll_into_view_if_needed()
    expect(page.locator(SLIDER)).to_be_in_viewport(ratio=1)  # the picture stays while the controls scroll
    button.click()
    expect(page.get_by_text("bad.jpg is not a picture that can be read")).to_be_visible()
    expect(page.get_by_role("button", name="Download the zip")).to_be_visible()
    page.get_by_role("button", name="Open 2.jpg").click()
    expect(page.get_by_text("302 x 200 px")).to_be_visible()
    expect(page.locator(".cell img")).to_have_count(3)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == ["0_cutout.png", "1_cutout.png", "2_cutout.png"]
        with Image.open(archive.open("2_cutout.png")) as cut:
            assert (cut.mode, cut.size) == ("RGBA", (302, 200))


def test_the_slider_moves_with_the_keyboard(page: Page, app: App) -> None:
    visit(page, app)
    expect(page.locator(SLIDER)).to_be_visible()
    page.locator(f"{SLIDER} input").focus()
    page.keyboard.press("End")
    position = page.locator(SLIDER).evaluate("pair => pair.style.getPropertyValue('--x')")
    assert position == "100%"


def test_a_file_that_is_no_photo_is_one_sentence(page: Page, app: App) -> None:
    visit(page, app)
    bad = {"name": "<b>x</b>.jpg", "mimeType": "image/jpeg", "buffer": b"hello"}
    page.set_input_files("input[type=file]", bad)
    expect(page.get_by_text("<b>x</b>.jpg is not a picture that can be read")).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0


def test_quick_look_learns_while_charts_move_and_a_refresh_finds_it_again(page: Page, app: App) -> None:
    visit(page, app, "train")
    choose_quick_look(page)
    page.get_by_role("button", name="Start training").click(timeout=60_000)
    clicked = time.monotonic()
    expect(page.get_by_text(re.compile(r"epoch 1 of 6 .* images/s"))).to_be_visible(timeout=60_000)
    assert time.monotonic() - clicked < seconds(20)  # 6 s on an idle machine
    expect(page.locator(".js-plotly-plot")).to_have_count(3)
    first = curve(page)
    waited = time.monotonic()
    while len(curve(page)) <= len(first):  # a batch of eight takes half a second on an idle machine
        assert time.monotonic() - waited < seconds(10)
        page.wait_for_timeout(500)

    address = page.url
    page.reload()
    expect(page.get_by_text(re.compile(r"epoch \d of 6"))).to_be_visible()
    assert page.url == address
    visit(page, app)  # any other page knows of it too
    expect(page.get_by_text("Training now")).to_be_visible()
    page.get_by_text("Watch it").click()

    app.end()  # and it outlives the server
    app.start()
    visit(page, app, "train")
    expect(page.get_by_text("Finished")).to_be_visible(timeout=300_000)
    dice = metric(page, "Dice (mean over images)")
    assert dice >= 0.77  # 0.92 on all of the built-in data; untrained 0.68
    expect(page.get_by_text("Predictions after epoch 6")).to_be_visible()


def curve(page: Page) -> str:
    """The path of the loss of every batch."""
    return page.locator(".js-plotly-plot").first.locator("path.js-line").first.get_attribute("d") or ""


def test_compare_shows_four_pictures_an_image_worst_first(page: Page, app: App) -> None:
    visit(page, app, "train")
    page.get_by_role("button", name="Compare with the ground truth").click()
    expect(page.get_by_text("Prediction against ground truth")).to_be_visible()
    expect(page.get_by_text("Each photo at its own size")).to_be_visible(timeout=60_000)
    expect(page.locator(".row img")).to_have_count(24)
    titles = page.locator(".row").first.locator(".pictures span").all_inner_texts()
    assert titles == ["Photo", "Ground truth", "Prediction", "Errors"]
    details = page.locator(".row .head .detail").all_inner_texts()
    scores = [float(words.split()[1]) for words in details]
    assert len(scores) == 6 and scores == sorted(scores)
    assert metric(page, "Dice (mean over images)") >= 0.73


def test_a_training_comes_into_sight_and_can_be_renamed_and_stopped(page: Page, app: App) -> None:
    visit(page, app, "train")
    choose_quick_look(page)
    page.get_by_text("More settings").click()
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text(re.compile(r"epoch 1 of 6"))).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Rename")).to_be_in_viewport()
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="Name", exact=True).last.fill("Soon stopped")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Soon stopped")).to_be_visible()
    start = time.monotonic()
    page.get_by_role("button", name="Stop", exact=True).last.click()
    expect(page.get_by_text("Stopped", exact=True)).to_be_visible()
    assert time.monotonic() - start < seconds(4)


def test_a_run_whose_worker_was_killed_goes_on_at_a_click(
    page: Page, app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_STUDIO_WORKSPACE", str(app.workspace))
    run = run_folder.create(tiny(write_scenes(tmp_path / "scenes", 10), epochs=3, name="Cut short"))
    for event in trained(run.config, run.folder, stop_after=3):
        run.append(event)
    run.set_status("died", "The worker is gone.")
    visit(page, app, f"train?run={run.id}")
    expect(page.get_by_text("The worker is gone.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Finished")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("Predictions after epoch 3")).to_be_visible()
    assert [e.epoch for e in History(run).refresh().epochs] == [0, 1, 2, 3]


def test_a_learning_rate_is_found_and_taken(page: Page, app: App) -> None:
    visit(page, app, "train")
    page.get_by_text("More settings").click()
    for side in ("Height", "Width"):
        page.get_by_role("combobox", name=side).click()
        page.get_by_role("option").first.click()
        settle(page)
    page.get_by_role("button", name="Find a learning rate").click(timeout=60_000)
    take = page.get_by_role("button", name=re.compile(r"^Use [\d.e-]+$"))
    expect(take).to_be_visible(timeout=200_000)
    rate = float(take.inner_text().split()[-1])
    assert 1e-5 < rate < 1
    take.click()
    expect(take).to_have_count(0)
    box = page.get_by_role("spinbutton", name="Learning rate")
    expect(box).to_have_value(f"{rate:g}")
