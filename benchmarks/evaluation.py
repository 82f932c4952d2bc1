"""What an evaluation costs compared with the network alone, and how fast its page responds.

    python benchmarks/evaluation.py --images 2000 --page --json

Photos are drawn, 256x192, with exact masks, and evaluated with the model that ships, at their own size:
reading, predicting, counting, boundaries, histograms and writing results. The forward pass alone
gets the same photos from memory in the same batches, before and after, in the same process. --page opens
the app in Chromium on the same images and times a sort, a filter and a move of the threshold, from the key
to the new numbers on the screen.
"""

import argparse
import dataclasses
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from core.data import demo
from core.data.dataset import DataFolder, open_data
from core.data.store import read_pair
from core.evaluation import scoring
from core.evaluation.cache import Evaluation, evaluate
from core.evaluation.candidates import Candidate, of_entry
from core.models import registry
from tests.browser.conftest import BROWSERS, FLAGS, found_browser
from tests.served import App

LONG_SIDE = 256


def draw(folder: Path, count: int) -> None:
    """`count` pairs of 256x192: the built-in data set's photos, each under several names."""
    list(demo.generate(folder / "drawn", pairs=min(count, 256)))
    drawn = sorted((folder / "drawn" / "images").iterdir())
    for part in ("images", "masks"):
        (folder / "set" / part).mkdir(parents=True)
    for number in range(count):
        photo = drawn[number % len(drawn)]
        shutil.copy(photo, folder / "set" / "images" / f"{number:05d}.jpg")
        mask = folder / "drawn" / "masks" / f"{photo.stem}.png"
        shutil.copy(mask, folder / "set" / "masks" / f"{number:05d}.png")


def model() -> Candidate:
    """The shipped model at the photos' own size."""
    candidate = of_entry(registry.list_models()[0])
    card = dataclasses.replace(candidate.card, long_side=LONG_SIDE)

    def make() -> "scoring.Predictor":
        predictor = candidate.make()
        predictor.card = card
        return predictor

    return dataclasses.replace(candidate, card=card, make=make)


def speeds(data: DataFolder) -> tuple[float, float]:
    """Images a second of the evaluation, and of bare forward passes before and after it."""
    candidate = model()
    predictor = candidate.make()
    ready = [predictor.prepare(read_pair(pair, data.encoding)[0]) for pair in data.pairs]
    predictor.forward(ready[: scoring.BATCH])  # warm

    def bare() -> float:
        start = time.perf_counter()
        for i in range(0, len(ready), scoring.BATCH):
            predictor.forward(ready[i : i + scoring.BATCH])
        return time.perf_counter() - start

    before = bare()
    start = time.perf_counter()
    found = [step for step in evaluate(candidate, data, "all") if isinstance(step, Evaluation)]
    whole = time.perf_counter() - start
    assert len(found[0].table) == len(ready)
    return len(ready) / whole, 2 * len(ready) / (before + bare())


def answers(folder: Path, workspace: Path) -> dict[str, float]:
    """Milliseconds from a key or a click to the new numbers or rows on the screen, medians of five."""
    app = App(workspace)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found_browser(BROWSERS), args=FLAGS)
            page = browser.new_page(viewport={"width": 1400, "height": 1400})
            page.set_default_timeout(60_000)
            page.goto(f"{app.url}/compare")
            for box, option in (("Data set", folder.name), ("Split", "All")):
                page.get_by_role("combobox", name=box).click()
                page.get_by_role("option", name=option, exact=True).click()
                page.wait_for_timeout(3000)
            words = f"bootstrap over {len(list((folder / 'images').iterdir())):,} images"
            expect(page.get_by_text(words)).to_be_visible(timeout=900_000)
            page.wait_for_timeout(3000)
            return {
                "threshold_ms": threshold_time(page),
                "sort_ms": sort_time(page),
                "filter_ms": filter_time(page),
            }
    finally:
        app.end()


# When a key or a button goes down, and when what is watched changes next.
WATCH = """element => {
  window.began = window.changed = 0;
  const begin = () => { window.began = performance.now(); window.changed = 0; };
  addEventListener("keydown", begin, true); addEventListener("pointerup", begin, true);
  new MutationObserver(() => { window.changed ||= performance.now(); })
    .observe(element, { childList: true, subtree: true, characterData: true });
}"""


def waited(page: Page) -> float:
    page.wait_for_function("window.changed > window.began", timeout=10_000)
    return float(page.evaluate("window.changed - window.began"))


def threshold_time(page: Page) -> float:
    page.get_by_test_id("stMetricValue").first.evaluate(WATCH)
    page.get_by_role("slider", name="Threshold").focus()
    times = []
    for _ in range(5):
        page.keyboard.press("ArrowRight")
        times.append(waited(page))
        page.wait_for_timeout(1500)
    return statistics.median(times)


def sort_time(page: Page) -> float:
    page.locator(".rows").first.evaluate(WATCH)
    times = []
    for order in ("Best Dice first", "Darkest first", "Name", "Brightest first", "Worst Dice first"):
        page.get_by_role("combobox", name="Sort by").click()
        page.wait_for_timeout(500)
        page.get_by_role("option", name=order, exact=True).click()
        times.append(waited(page))
        page.wait_for_timeout(1500)
    return statistics.median(times)


def filter_time(page: Page) -> float:
    page.get_by_role("button", name="Filter").click()
    page.locator(".rows").first.evaluate(WATCH)
    text = page.get_by_label("Name contains")
    times = []
    for part in ("1", "3", "5", "7", "9"):
        text.fill(part)
        page.keyboard.press("Enter")
        times.append(waited(page))
        page.wait_for_timeout(1500)
    return statistics.median(times)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--images", type=int, default=2000)
    p.add_argument("--page", action="store_true", help="time the page too, in Chromium")
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as place:
        workspace = Path(place) / "workspace"
        os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = str(workspace)
        draw(Path(place), args.images)
        whole, bare = speeds(open_data(Path(place) / "set"))
        result = {
            "images": args.images,
            "evaluated_per_second": whole,
            "bare_per_second": bare,
            "ratio": whole / bare,
        }
        print(f"Evaluated {whole:.1f} images/s, the network alone {bare:.1f}: {whole / bare:.2f} of that")
        if args.page:
            folder = workspace / "datasets" / "benchmark"
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(place) / "set", folder)
            times = answers(folder, workspace)
            result |= times
            print(", ".join(f"{name[:-3]} answered in {value:.0f} ms" for name, value in times.items()))
    if args.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
