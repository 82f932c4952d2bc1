"""From photos without masks to a model, in a real browser: photos are uploaded on the Label page, clicked on,
accepted and trained on, and the model is scored on other photos.

    python benchmarks/label_to_model.py --data ../shared/data/animals --starts-with horse_ --classes horse=1
    python benchmarks/label_to_model.py --data ../shared/data/camvid --classes road=3,sky=0,car=8

`--classes` are the names to type and, where there are several, their values in the true masks; all other
pixels are background. Clicks are placed as in core/labelling/simulation.py, in the middle of the largest
error, at most --clicks for each class on a photo, until its Dice is 0.95. `--touch` is a phone: 390 px wide,
and fingers instead of a mouse.

Gives, as JSON on the last line: the wall time of each step in seconds with the load average at its end, the
median milliseconds from the press of the button to the drawn mask (of the first click on a photo and of the
following ones), the Dice of the accepted masks, and the model's Dice (mean over images and classes) on the
other photos at their own sizes. `--shots DIR` photographs the page on the way.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Browser, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.few_photos import divided
from core.data.classes import ClassEncoding, MaskEncoding
from core.data.dataset import open_data
from core.data.pairing import Pair
from core.data.store import read_pair
from core.inference.predictor import Predictor
from core.labelling.prompts import Click
from core.labelling.simulation import next_click
from core.policy.permissions import OWNER, acting_as
from core.runs import run_folder
from core.runs.status import LIVE
from core.task import IGNORE, Task
from tests.browser.conftest import BROWSERS, FLAGS, found_browser
from tests.served import App

ENOUGH = 0.95  # Dice from which nobody goes on clicking
NAME = "photos to label"
CANVAS = "globalThis.segmentationStudioCanvases?.label_canvas"
# The page has drawn the photo, and the server has confirmed every stroke on it.
CONFIRMED = f"""name => {{ const s = {CANVAS};
    return Boolean(s?.ready && (!name || s.id.endsWith('/' + name)) && s.version === s.data.version
        && !s.pending.size && !s.encoding) }}"""
LISTEN = "addEventListener('pointerdown', event => { globalThis.pressedAt = event.timeStamp }, true)"
DRAWN = f"""({{name, revision}}) => new Promise(done => {{
    const confirmed = {CONFIRMED};
    const look = () => confirmed(name) && {CANVAS}.data.revision > revision
        ? requestAnimationFrame(() => done(performance.now() - globalThis.pressedAt))
        : requestAnimationFrame(look);
    look(); }})"""
NEXT = f"""name => ({CONFIRMED})('') && !{CANVAS}.id.endsWith('/' + name)"""
IDS = f"[...{CANVAS}.mask].map(id => String.fromCharCode(48 + id)).join('')"


@dataclass(frozen=True)
class Photo:
    """A photo and the ids of its true mask, 1 being the first of the classes; 255 where it is unknown."""

    name: str
    pixels: np.ndarray
    truth: np.ndarray


@dataclass
class Found:
    """What was measured on the way."""

    steps: dict[str, dict[str, float]] = field(default_factory=dict)
    first: list[float] = field(default_factory=list)
    following: list[float] = field(default_factory=list)
    clicks: list[int] = field(default_factory=list)
    label_dice: list[float] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def step(self, name: str) -> None:
        now = time.monotonic()
        self.steps[name] = {"seconds": round(now - self.begun, 1), "load": round(os.getloadavg()[0], 1)}
        print(name, self.steps[name], flush=True)
        self.begun = now


class Labelling:
    """The Label page, and somebody who knows the true masks."""

    def __init__(self, page: Page, classes: Sequence[str], shots: Path | None, is_touch: bool) -> None:
        self.page, self.classes, self.shots, self.is_touch = page, classes, shots, is_touch
        self.found = Found()

    def shoot(self, name: str) -> None:
        if self.shots is not None:
            self.page.screenshot(path=self.shots / f"{name}.png")

    def start(self, url: str, photos: Sequence[Photo]) -> None:
        page = self.page
        page.goto(f"{url}/label")
        page.get_by_role("textbox", name="Name of the data set").wait_for()
        self.shoot("start")
        files: list[Any] = [
            {"name": photo.name, "mimeType": "image/png", "buffer": png(photo.pixels)} for photo in photos
        ]
        page.locator("input[type=file]").first.set_input_files(files)
        page.get_by_role("textbox", name="Name of the data set").fill(NAME)
        page.get_by_role("textbox", name="Classes").fill(", ".join(self.classes))
        page.keyboard.press("Tab")
        button = page.get_by_role("button", name="Start labelling")
        expect(button).to_be_enabled(timeout=60_000)
        self.shoot("form")
        button.click()
        page.wait_for_function(CONFIRMED, arg="")
        self.found.step("upload")

    def label(self, photos: dict[str, Photo], clicks: int) -> None:
        for number in range(1, len(photos) + 1):
            name = str(self.page.evaluate(f"{CANVAS}.id")).split("/")[-1]
            photo = photos[name]
            if number in (1, 2, 5, len(photos)):
                self.page.wait_for_timeout(600)
                self.shoot(f"photo-{number}-before")
            self.click_on(photo, clicks)
            if number in (1, 2, 5, len(photos)):
                self.shoot(f"photo-{number}-clicked")
            self.accept(name, is_last=number == len(photos))
        self.found.step("label")
        self.shoot("labelled")

    def click_on(self, photo: Photo, clicks: int) -> None:
        taken, scores = 0, []
        for label in range(1, len(self.classes) + 1):
            truth, void = photo.truth == label, photo.truth == 255
            if truth.mean() < 0.002:
                continue
            if len(self.classes) > 1:
                self.page.keyboard.press(str(label))
            placed: list[Click] = []
            while len(placed) < clicks and dice(self.mask(photo) == label, truth, void) < ENOUGH:
                click = next_click(truth, self.mask(photo) == label, placed, void)
                if click is None:
                    break
                placed.append(click)
                taken += 1
                (self.found.first if taken == 1 else self.found.following).append(
                    self.click(click, photo.name)
                )
            scores.append(dice(self.mask(photo) == label, truth, void))
        self.found.clicks.append(taken)
        self.found.label_dice.append(float(np.mean(scores)))
        print(f"{photo.name}: {taken} clicks, Dice {scores}", flush=True)

    def click(self, click: Click, name: str) -> float:
        """Milliseconds until the mask of a click is drawn."""
        page = self.page
        revision = page.evaluate(f"{CANVAS}.data.revision")
        x, y = self.place(click)
        if self.is_touch:
            self.choose_remove(not click.positive)
            page.touchscreen.tap(x, y)
        else:
            page.mouse.click(x, y, button="left" if click.positive else "right")
        return float(page.evaluate(DRAWN, {"name": name, "revision": revision}))

    def choose_remove(self, is_wanted: bool) -> None:
        button = self.page.locator(".label .minus")
        if (button.get_attribute("aria-pressed") == "true") != is_wanted:
            button.tap()

    def place(self, click: Click) -> tuple[float, float]:
        """Where a pixel of the photo is on the screen."""
        stage = self.page.locator(".label .stage")
        stage.scroll_into_view_if_needed()
        box = stage.bounding_box()
        assert box
        x, y, scale = self.page.evaluate(f"(s => [s.x, s.y, s.scale])({CANVAS})")
        return box["x"] + x + click.x * scale, box["y"] + y + click.y * scale

    def mask(self, photo: Photo) -> np.ndarray:
        ids = self.page.evaluate(IDS)
        return (np.frombuffer(ids.encode(), np.uint8) - 48).reshape(photo.truth.shape)

    def accept(self, name: str, is_last: bool) -> None:
        if self.is_touch:
            self.page.locator(".label .accept").tap()
        else:
            self.page.keyboard.press("Enter")
        if is_last:
            expect(self.page.get_by_text("All photos are accepted or skipped.")).to_be_visible()
        else:
            self.page.wait_for_function(NEXT, arg=name)

    def train(self) -> Path:
        """The model of *Train on these*."""
        self.page.get_by_role("button", name="Train on these").click()
        live = None
        while live is None:
            self.page.wait_for_timeout(500)
            live = next(iter(run_folder.list_runs()), None)
        self.page.wait_for_timeout(15_000)
        self.shoot("training")
        while live.status().state in LIVE:
            self.page.wait_for_timeout(1000)
        if live.status().state != "finished":
            sys.exit(f"The training ended as {live.status().state}: {live.status().message}")
        self.found.step("train")
        expect(self.page.get_by_role("button", name="Propose with this model")).to_be_visible()
        self.shoot("trained")
        return live.best


def main() -> None:
    args = arguments()
    classes = {name: int(value) for name, _, value in (one.partition("=") for one in args.classes.split(","))}
    if args.shots:
        args.shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, acting_as(OWNER):
        photos, others = chosen(args, classes)
        workspace = args.workspace or Path(folder) / "workspace"
        os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = str(workspace)
        app = App(workspace)
        app.is_forked = False
        app.start()
        try:
            browser = playwright.chromium.launch(executable_path=found_browser(BROWSERS), args=FLAGS)
            labelling = Labelling(opened(browser, args.touch), list(classes), args.shots, args.touch)
            labelling.start(app.url, photos)
            labelling.label({photo.name: photo for photo in photos}, args.clicks)
            result = summary(labelling.found)
            if not args.no_training:
                model = labelling.train()
                result |= score(model, others, len(classes)) | {"scored": len(others)}
            result["minutes"] = round(sum(s["seconds"] for s in labelling.found.steps.values()) / 60, 1)
        finally:
            app.end()
    print(json.dumps(result))


def arguments() -> argparse.Namespace:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--starts-with", default="", help="only photos whose names start so")
    parser.add_argument("--last", type=int, default=0, help="only so many of the last by name; 0: all")
    parser.add_argument("--classes", required=True, help="such as road=3,car=8: name and value of each")
    parser.add_argument("--labelled", type=int, default=12)
    parser.add_argument("--scored", type=int, default=10, help="so many other photos")
    parser.add_argument(
        "--side", type=int, default=0, help="enlarge photos to this longer side; 0: as they are"
    )
    parser.add_argument("--clicks", type=int, default=5, help="at most, for each class on a photo")
    parser.add_argument("--touch", action="store_true")
    parser.add_argument("--no-training", action="store_true")
    parser.add_argument("--shots", type=Path)
    parser.add_argument("--workspace", type=Path, help="keep what is made here")
    return parser.parse_args()


def opened(browser: Browser, is_touch: bool) -> Page:
    if is_touch:
        context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    else:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.add_init_script(LISTEN)
    return page


def chosen(args: argparse.Namespace, classes: dict[str, int]) -> tuple[list[Photo], list[Photo]]:
    """The photos to label, evenly spread over the names, and others to score."""
    data = open_data(args.data)
    encoding: MaskEncoding = data.encoding
    if len(classes) > 1:
        encoding = ClassEncoding(Task("multiclass", tuple(classes), tuple(classes.values())))
    labelled, scored = divided(data.pairs, args)

    def read(pair: Pair) -> Photo:
        photo, stored = read_pair(pair, encoding)
        ids = encoding.resize(stored, photo.shape[:2])
        if len(classes) > 1:
            ids = np.where(ids == IGNORE, 0, ids + 1).astype(np.uint8)
        if args.side:
            size = [round(side * args.side / max(photo.shape)) for side in photo.shape[1::-1]]
            photo = cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC)
            ids = cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST)
        return Photo(f"{Path(pair.name).stem}.png", photo, ids)

    return [read(pair) for pair in labelled], [read(pair) for pair in scored]


def summary(found: Found) -> dict[str, Any]:
    return {
        "steps": found.steps,
        "clicks": round(float(np.mean(found.clicks)), 2),
        "label_dice": round(float(np.mean(found.label_dice)), 4),
        "first_click_ms": round(statistics.median(found.first)) if found.first else None,
        "next_clicks_ms": round(statistics.median(found.following)) if found.following else None,
    }


def score(model: Path, photos: Sequence[Photo], classes: int) -> dict[str, Any]:
    """Dice (mean over images) of each class, on the photos that have it, and of all of them."""
    predictor = Predictor(model, "cpu")
    found: list[list[float]] = [[] for _ in range(classes)]
    for photo in photos:
        labels = predictor.labels(photo.pixels)
        for label, scores in enumerate(found, 1):
            if (photo.truth == label).any():
                scores.append(dice(labels == label, photo.truth == label, photo.truth == 255))
    each = [round(float(np.mean(scores)), 4) for scores in found if scores]
    return {"dice": round(float(np.mean(each)), 4), "each": each}


def dice(found: np.ndarray, truth: np.ndarray, void: np.ndarray) -> float:
    found, truth = found & ~void, truth & ~void
    total = found.sum() + truth.sum()
    return float(2 * (found & truth).sum() / total) if total else 1.0


def png(photo: np.ndarray) -> bytes:
    return cv2.imencode(".png", photo[..., ::-1])[1].tobytes()


if __name__ == "__main__":
    main()
