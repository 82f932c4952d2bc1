"""What the check of a data set costs compared with decoding its files, and how fast the gallery opens.

    python benchmarks/checking.py --pairs 10000 --gallery 100000 --json

Pairs are generated: --distinct different drawn photos of 640x480, each under many names. The check runs over
all of them, then the same files are only decoded, in the same thread pool. The gallery is measured in a new
process on small pictures, because only their number matters.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from core.data import checks, demo
from core.data.catalogue import Catalogue, View, open_catalogue, page_of, rows_of
from core.data.dataset import open_data
from core.data.masks import mask_values
from core.data.photos import photo_size, read_photo
from core.data.thumbnails import thumbnails
from core.system.parallel import all_cores, in_order

ROUNDS = 4  # the first warms the disk's cache


def write_pairs(folder: Path, count: int, distinct: int, height: int, width: int) -> Path:
    """So many names for `distinct` drawn pairs: links to the same files."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for i in range(count):
        image, mask = folder / "images" / f"{i:06d}.jpg", folder / "masks" / f"{i:06d}.png"
        if i < distinct:
            photo, inside = demo.draw_scene(i, height, width)
            Image.fromarray(photo).save(image, quality=90)
            Image.fromarray(inside * np.uint8(255)).save(mask)
        else:
            os.link(folder / "images" / f"{i % distinct:06d}.jpg", image)
            os.link(folder / "masks" / f"{i % distinct:06d}.png", mask)
    return folder


@contextmanager
def cores_busy(result: dict[str, float], name: str) -> Iterator[None]:
    """How many cores worked, on average, inside."""
    start, before = time.perf_counter(), time.process_time()
    yield
    wall = time.perf_counter() - start
    result[f"{name}_seconds"] = wall
    result[f"{name}_cores"] = (time.process_time() - before) / wall


def compare(count: int, distinct: int) -> dict[str, float]:
    result: dict[str, float] = {"pairs": count}
    with tempfile.TemporaryDirectory() as place:
        os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = f"{place}/workspace"
        data = open_data(write_pairs(Path(place) / "set", count, distinct, 480, 640))
        process, memory = psutil.Process(), []

        def decode(pair: object) -> None:
            photo_size(pair.image)  # type: ignore[attr-defined]
            read_photo(pair.image, max_side=checks.DECODE_SIDE)  # type: ignore[attr-defined]
            mask_values(pair.mask, pair.image)  # type: ignore[attr-defined]

        part = dict.fromkeys(data.split.train, "train")
        rounds: list[dict[str, float]] = []
        for _ in range(ROUNDS):  # in turns, because the machine has faster and slower minutes
            times: dict[str, float] = {}
            with cores_busy(times, "decode"), all_cores() as pool:
                for _done in in_order(pool, decode, data.pairs):
                    pass
            with cores_busy(times, "check"), all_cores() as pool:
                check = in_order(pool, lambda p: checks.check_pair(p, part.get(p.name, ""), data), data.pairs)
                for done, _row in enumerate(check, 1):
                    if done % max(1, count // 10) == 0:
                        memory.append(process.memory_info().rss / 1e6)
            rounds.append(times)
        result |= min(rounds[1:], key=lambda times: times["decode_seconds"] + times["check_seconds"])
        with cores_busy(result, "report"):
            list(checks.check(data))
    ratios = [times["decode_seconds"] / times["check_seconds"] for times in rounds[1:]]
    result["ratio"] = float(np.median(ratios))
    result["memory_first_tenth_mb"], result["memory_end_mb"] = memory[0], memory[-1]
    return result


def gallery(count: int) -> dict[str, float]:
    result: dict[str, float] = {"gallery_pairs": count}
    with tempfile.TemporaryDirectory() as place:
        environment = {**os.environ, "SEGMENTATION_STUDIO_WORKSPACE": f"{place}/workspace"}
        folder = write_pairs(Path(place) / "set", count, 500, 96, 64)
        for name in ("first_check", "fresh_process"):
            command = [sys.executable, __file__, "--open", str(folder)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            result[f"{name}_seconds"] = json.loads(done.stdout.splitlines()[-1])["seconds"]
    return result


def open_first_page(folder: Path) -> float:
    """Seconds until the first page's pictures are there, imports not counted."""
    start = time.perf_counter()
    shown = next(r for r in open_catalogue(folder) if isinstance(r, Catalogue))
    part = page_of(rows_of(shown, View()), 1, 24)
    assert all(thumbnails([shown.pair(name) for name in part["name"]], shown.encoding, "Overlay"))
    return time.perf_counter() - start


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pairs", type=int, default=10_000)
    p.add_argument("--distinct", type=int, default=300)
    p.add_argument("--gallery", type=int, default=100_000, help="0: leave out")
    p.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    if args.open:
        print(json.dumps({"seconds": open_first_page(args.open)}))
        return
    result = compare(args.pairs, args.distinct)
    print(f"Decoding alone {result['decode_seconds']:.1f} s on {result['decode_cores']:.2f} cores; "
          f"check {result['check_seconds']:.1f} s on {result['check_cores']:.2f} cores: "
          f"{result['ratio']:.2f} of decoding speed")  # fmt: skip
    first, last = result["memory_first_tenth_mb"], result["memory_end_mb"]
    print(f"Memory {first:.0f} MB after a tenth, {last:.0f} MB at the end")
    if args.gallery:
        result |= gallery(args.gallery)
        print(
            f"{args.gallery:,} pairs: first check {result['first_check_seconds']:.1f} s, then the first page "
            f"after {result['fresh_process_seconds']:.2f} s in a new process"
        )
    if args.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
