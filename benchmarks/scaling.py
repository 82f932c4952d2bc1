"""What a training costs as its data grows: seconds and memory for 1,000, 10,000 and 100,000 images.

    python benchmarks/scaling.py --work /tmp/scaling

Each size is one process: open the data, decode it into the store, train one epoch, validate. The
images are drawn (two hundred different ones, under as many names as asked for), the network is a small
one at 32x32, so that everything around it is measured. Memory is the peak of the process's own
memory, without pages of the memory-mapped store, which the system reclaims when needed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from held_out import PROJECT
from PIL import Image

SIZES = (1_000, 10_000, 100_000)
DRAWN = 200


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--work", type=Path, default=Path("/tmp/scaling"))
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(train(args.work, args.one)))
        return
    results = {}
    print(f"{'images':>8} {'prepare':>9} {'train':>9} {'ms an image':>12} {'memory':>9}")
    for size in args.sizes:
        command = [sys.executable, __file__, "--one", str(size), "--work", str(args.work)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
        row = results[size] = json.loads(done.stdout.strip().splitlines()[-1])
        each = 1000 * (row["prepare_s"] + row["train_s"]) / size
        seconds = f"{row['prepare_s']:7.1f} s {row['train_s']:7.1f} s"
        print(f"{size:8} {seconds} {each:12.2f} {row['memory_mb']:6.0f} MB", flush=True)
    if args.json:
        print(json.dumps(results))


def train(work: Path, size: int) -> dict[str, float]:
    os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = str(work / f"workspace-{size}")
    folder = generate(work / f"images-{size}", size)

    from core.config import preset_config
    from core.runs.events import Finished, Started
    from core.training.loop import fit

    peak = Peak()
    config = preset_config(
        "Balanced", folder, encoder="timm-mobilenetv3_small_minimal_100", encoder_weights="none",
        height=32, width=32, batch_size=128, epochs=1, augmentation="light",
    )  # fmt: skip
    start, ready, seconds = time.monotonic(), 0.0, 0.0
    with tempfile.TemporaryDirectory() as run:
        for event in fit(config, Path(run)):
            if isinstance(event, Started):
                ready = time.monotonic()
            if isinstance(event, Finished):
                seconds = time.monotonic() - ready
    return {"prepare_s": ready - start, "train_s": seconds, "memory_mb": peak.stop() / 1e6}


def generate(folder: Path, size: int) -> Path:
    """`size` pairs of 48x48; the files of a picture that was drawn before are links to it."""
    if (folder / "done").is_file():
        return folder
    rng = np.random.default_rng(0)
    yy, xx = np.mgrid[0:48, 0:48]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for i in range(size):
        names = folder / "images" / f"{i:06d}.jpg", folder / "masks" / f"{i:06d}.png"
        if i >= DRAWN:
            for name in names:
                os.link(name.with_stem(f"{i % DRAWN:06d}"), name)
            continue
        (y, x), r = rng.integers(12, 36, 2), int(rng.integers(5, 14))
        mask = ((yy - y) ** 2 + (xx - x) ** 2 < r * r).astype(np.uint8)
        photo = np.clip(mask[..., None] * 100 + rng.normal(80, 25, (48, 48, 3)), 0, 255)
        Image.fromarray(photo.astype(np.uint8)).save(names[0])
        Image.fromarray(mask * np.uint8(255)).save(names[1])
    (folder / "done").touch()
    return folder


class Peak:
    """The largest private memory of this process, asked ten times a second."""

    def __init__(self) -> None:
        self.most, self.running = 0, True
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self) -> None:
        while self.running:
            self.most = max(self.most, private_memory())
            time.sleep(0.1)

    def stop(self) -> int:
        self.running = False
        self.thread.join()
        return self.most


def private_memory() -> int:
    """Bytes that are not pages of files, as Linux counts them."""
    import psutil

    memory = psutil.Process().memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))


if __name__ == "__main__":
    main()
