"""From the bytes of a 12-megapixel JPEG to a picture on the screen: where the time goes.

    python benchmarks/photo_latency.py [--photo FILE] [--mediapipe PYTHON]

The steps are those of the Segment page: the photo decoded at reduced size, the network, the mask along
the photo's edges, the cut-out, two JPEGs for the slider; and, separately, the full-size file that is made
only when it is downloaded, compared with an earlier version that estimated all colours at once and used
Pillow's PNG. `--mediapipe` names a Python that has mediapipe 0.10.9 with its selfie segmentation model, which
is timed on the same photo, network and upsampling alone.
"""

import argparse
import contextlib
import io
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from core.cutout_settings import CutOutSettings  # noqa: E402
from core.data.photos import read_photo  # noqa: E402
from core.data.samples import sample_bytes  # noqa: E402
from core.imaging import rendering, tiles  # noqa: E402
from core.imaging.guided_filter import enlarge  # noqa: E402
from core.inference.cutout import cut_out, from_probability  # noqa: E402
from core.inference.predictor import Predictor  # noqa: E402

SHOWN_SIDE = 1200  # as on the page
REPEATS = 7
SIZE = 4000, 3000

MEDIAPIPE = """
import sys, time, statistics
import cv2, mediapipe as mp
photo = cv2.cvtColor(cv2.imread(sys.argv[1]), cv2.COLOR_BGR2RGB)
model = mp.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
times = []
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    model.process(photo)
    times.append(time.perf_counter() - start)
print(statistics.median(times[1:]))
"""


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--photo", type=Path, help="default: a sample photo enlarged to 12 megapixels")
    parser.add_argument("--mediapipe", help="a Python with mediapipe 0.10.9")
    args = parser.parse_args()
    content = args.photo.read_bytes() if args.photo else enlarged()
    predictor = Predictor(PROJECT / "checkpoints" / "person-lite0", "cpu")
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(REPEATS + 1):
        shown(content, predictor, times)
        full_size(content, predictor, times)
    medians = {step: statistics.median(values[1:]) for step, values in times.items()}
    first = [step for step in medians if not step.startswith(("full", "before"))]
    total = sum(medians[step] for step in first)
    print("| step | seconds | share |\n|---|---|---|")
    for step in first:
        print(f"| {step} | {medians[step]:.3f} | {medians[step] / total:.0%} |")
    print(f"| upload to picture | {total:.3f} | |")
    full = [step for step in medians if step.startswith("full")]
    for step in full:
        print(f"| {step} | {medians[step]:.3f} | |")
    print(f"| full size, when downloaded | {sum(medians[step] for step in full):.3f} | |")
    for step in medians.keys() - first - set(full):
        print(f"| {step} | {medians[step]:.3f} | |")
    if args.mediapipe:
        beside(args.mediapipe, content, medians)


def shown(content: bytes, predictor: Predictor, times: dict[str, list[float]]) -> None:
    """What happens between an upload and the picture."""
    clock = Clock(times)
    photo = read_photo(content, "photo.jpg", max_side=SHOWN_SIDE)
    clock("decode at reduced size")
    small = predictor.small_map(photo)
    clock("network")
    probability = enlarge(small, photo)
    clock("mask along the edges")
    settings = CutOutSettings(predictor.card.threshold)
    made = from_probability(photo, probability, settings).picture("cutout")
    clock("cut-out with clean colours")
    rendering.encode(photo, "JPEG")
    rendering.encode(rendering.on_checkerboard(made), "JPEG")
    clock("two JPEGs")


def full_size(content: bytes, predictor: Predictor, times: dict[str, list[float]]) -> None:
    """What happens when the cut-out is downloaded."""
    clock = Clock(times)
    photo = read_photo(content, "photo.jpg")
    clock("full size: decode")
    found = cut_out(photo, predictor)
    clock("full size: network, edges, alpha")
    made = found.picture("cutout")
    clock("full size: clean colours")
    rendering.encode(made)
    clock("full size: PNG")
    with whole_photo_at_once():
        found.picture("cutout")
    clock("before: clean colours")
    Image.fromarray(made).save(io.BytesIO(), "PNG", compress_level=2)
    clock("before: PNG")


@contextlib.contextmanager
def whole_photo_at_once() -> Iterator[None]:
    """One tile, as large as any photo."""
    usual, tiles.TILE = tiles.TILE, 10**6
    try:
        yield
    finally:
        tiles.TILE = usual


class Clock:
    def __init__(self, times: dict[str, list[float]]) -> None:
        self._times, self._last = times, time.perf_counter()

    def __call__(self, step: str) -> None:
        now = time.perf_counter()
        self._times[step].append(now - self._last)
        self._last = now


def enlarged() -> bytes:
    stream = io.BytesIO()
    photo = Image.open(io.BytesIO(sample_bytes("Astronaut"))).convert("RGB")
    large = photo.resize(SIZE, Image.Resampling.BICUBIC)
    noise = np.random.default_rng(0).normal(0, 3, (SIZE[1], SIZE[0], 1))
    Image.fromarray(np.clip(np.asarray(large) + noise, 0, 255).astype(np.uint8)).save(
        stream, "JPEG", quality=92
    )
    return stream.getvalue()


def beside(python: str, content: bytes, medians: dict[str, float]) -> None:
    file = Path("/tmp") / "photo_latency.jpg"
    file.write_bytes(content)
    done = subprocess.run(
        [python, "-c", MEDIAPIPE, str(file), str(REPEATS + 1)], capture_output=True, text=True, check=True
    )
    theirs = float(done.stdout.split()[-1])
    ours = medians["network"] + medians["mask along the edges"]
    print(
        f"MediaPipe selfie segmentation, the same photo: {theirs:.3f} s, ours {ours / theirs:.1f} times that"
    )


if __name__ == "__main__":
    main()
