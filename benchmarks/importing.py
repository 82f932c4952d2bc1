"""How long recognition takes where an annotation file names many photos.

    python benchmarks/importing.py --photos 100000 --json

The photos are generated: copies of one small picture, half of them in train/ and half in val/ under the
same names. One COCO json names them all, with --outlines polygons of 20 points each. Recognition is what
happens before the import page shows its plan; nothing is copied.
"""

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from core.data.importing.recognition import recognise
from core.data.importing.sources import open_source

SIDE = 64
POINTS = 20


def write_coco(folder: Path, photos: int, outlines: int) -> int:
    """Links to one photo, and a json with outlines for each. Returns the json's bytes."""
    dice = random.Random(0)
    for part in ("train", "val"):
        (folder / "images" / part).mkdir(parents=True)
    first = folder / "images" / "train" / "000000.png"
    Image.fromarray(np.zeros((SIDE, SIDE, 3), np.uint8)).save(first)
    content = first.read_bytes()
    polygons = [[round(dice.uniform(0, SIDE), 2) for _ in range(2 * POINTS)] for _ in range(1000)]
    images, annotations = [], []
    for i in range(photos):
        name = f"{'val' if i % 2 else 'train'}/{i // 2:06d}.png"
        if i:
            (folder / "images" / name).write_bytes(content)
        images.append({"id": i, "file_name": name, "height": SIDE, "width": SIDE})
        for _ in range(outlines):
            outline = {"category_id": dice.randrange(80), "segmentation": [dice.choice(polygons)]}
            annotations.append({"image_id": i, **outline})
    kinds = [{"id": i, "name": f"kind {i}"} for i in range(80)]
    text = json.dumps({"images": images, "annotations": annotations, "categories": kinds})
    return (folder / "annotations.json").write_text(text)


def measure(photos: int, outlines: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        size = write_coco(Path(place), photos, outlines)
        start, busy = time.perf_counter(), time.process_time()
        source = open_source(Path(place))
        opened = time.perf_counter()
        plan = recognise(source)[0]
        done, busy = time.perf_counter(), time.process_time() - busy
    assert len(plan.items) == photos and not plan.problems
    assert plan.splits() == {"train": (photos + 1) // 2, "validation": photos // 2}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {"photos": photos, "json_mb": size / 1e6, "open_seconds": opened - start,
            "recognise_seconds": done - opened, "core_seconds": busy, "peak_mb": memory}  # fmt: skip


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--photos", type=int, default=100_000)
    p.add_argument("--outlines", type=int, default=3, help="of each photo")
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    result = measure(args.photos, args.outlines)
    print(f"{args.photos:,} photos, json of {result['json_mb']:.0f} MB: files listed in "
          f"{result['open_seconds']:.1f} s, recognised in {result['recognise_seconds']:.1f} s, "
          f"{result['core_seconds']:.1f} s of one core, "
          f"{result['peak_mb']:,.0f} MB at most")  # fmt: skip
    if args.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
