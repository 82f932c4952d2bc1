"""Data sets that the plan of preset Auto is tried on: what photos of people are not.

    python benchmarks/drawn_sets.py cracks /tmp/cracks --photos 200

cracks  480x320: thin, branching lines on speckled concrete, 1 to 2 % foreground, without an up
plants  1296x966: bundles of thin leaves on soil, which grow upwards
spots   600x520: dozens of small spots on a leaf
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture: TypeAlias = NDArray[np.uint8]
Mask: TypeAlias = NDArray[np.uint8]
Random = np.random.Generator


def draw_cracks(random: Random) -> tuple[Picture, Mask]:
    photo = texture(random, 320, 480, (150, 148, 142), coarse=26, fine=16)
    mask = np.zeros((320, 480), np.uint8)
    for _ in range(random.integers(1, 4)):
        branch(
            random,
            mask,
            random.uniform((0, 0), (480, 320)),
            random.uniform(0, 6.28),
            random.uniform(1, 3.4),
            2,
        )
    for _ in range(
        random.integers(2, 7)
    ):  # what looks like a crack and is none: broad stains, straight joints
        start, end = random.uniform((0, 0), (480, 320), (2, 2))
        cv2.line(
            photo, *(tuple(map(int, p)) for p in (start, end)), (118, 116, 112), int(random.integers(4, 14))
        )
    depth = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8) * random.uniform(35, 75)
    return finish(random, photo - depth[..., None], noise=9), mask


def draw_plants(random: Random) -> tuple[Picture, Mask]:
    height, width = 966, 1296
    photo = texture(random, height, width, (96, 76, 58), coarse=30, fine=26)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(random.integers(2, 7)):
        foot = random.uniform((100, 0.55 * height), (width - 100, height - 40))
        for _ in range(random.integers(8, 18)):
            leaf(random, photo, mask, foot)
    for _ in range(random.integers(3, 9)):  # straw
        leaf(random, photo, np.zeros_like(mask), random.uniform((0, 0), (width, height)), (150, 132, 92))
    return finish(random, photo, noise=8), mask


def draw_spots(random: Random) -> tuple[Picture, Mask]:
    height, width = 520, 600
    photo = texture(random, height, width, (112, 108, 100), coarse=10, fine=8)
    inside = np.zeros((height, width), np.uint8)
    axes = (int(random.uniform(210, 280)), int(random.uniform(120, 210)))
    cv2.ellipse(inside, (width // 2, height // 2), axes, random.uniform(0, 180), 0, 360, 1, -1)
    green = texture(random, height, width, (74, 128, 58), coarse=22, fine=14)
    photo = np.where(inside[..., None] > 0, green, photo)
    mask = np.zeros((height, width), np.uint8)
    places = np.argwhere(inside)
    for _ in range(random.integers(6, 40)):
        y, x = places[random.integers(len(places))]
        radius = random.uniform(2, 9)
        blob = np.zeros_like(mask)
        angles = np.arange(0, 6.28, 0.7)
        rim = radius * random.uniform(0.6, 1.3, (2, len(angles))) * (np.cos(angles), np.sin(angles))
        points = (rim.T + np.array((x, y))).astype(np.int32)
        cv2.fillPoly(blob, [points], 1)
        blob &= inside
        is_spot = random.random() < 0.75  # the others are drops of light, not of disease
        colour = np.array((112, 86, 46) if is_spot else (150, 176, 134)) + random.normal(0, 14, 3)
        share = cv2.GaussianBlur(blob.astype(np.float32), (0, 0), 1.2)[..., None] * random.uniform(0.5, 1)
        photo = photo * (1 - share) + colour * share
        mask |= blob * np.uint8(is_spot)
    return finish(random, photo, noise=7), mask


def texture(
    random: Random, height: int, width: int, colour: tuple[int, int, int], coarse: float, fine: float
) -> NDArray[np.float32]:
    """Noise of several scales, float32 (height, width, 3)."""
    whole = np.zeros((height, width), np.float32)
    for cell, strength in ((80, coarse), (20, coarse / 2), (5, fine / 2), (2, fine)):
        small = random.normal(0, 1, (height // cell + 2, width // cell + 2)).astype(np.float32)
        whole += strength * cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(whole[..., None] + np.array(colour, np.float32) + random.normal(0, 8, 3), np.float32)


def branch(random: Random, mask: Mask, at: NDArray[np.float64], way: float, thick: float, depth: int) -> None:
    """A crack that wanders, thins out and branches."""
    for _ in range(int(random.integers(12, 40))):
        way += random.normal(0, 0.35)
        end = at + random.uniform(5, 12) * np.array((np.cos(way), np.sin(way)))
        cv2.line(mask, *(tuple(map(int, p)) for p in (at, end)), 1, max(1, round(thick)))
        at, thick = end, max(0.8, thick * random.uniform(0.96, 1.02))
        if depth and random.random() < 0.06:
            branch(random, mask, at, way + random.choice((-0.9, 0.9)), thick * 0.7, depth - 1)


def leaf(
    random: Random, photo: NDArray[np.float32], mask: Mask, foot: NDArray[np.float64],
    colour: tuple[int, int, int] = (86, 128, 58),
) -> None:  # fmt: skip
    """A blade that grows from its foot upwards and bends over, 3 to 14 pixels wide."""
    way, bend = random.uniform(-2.6, -0.5), random.normal(0, 0.05)
    length, width = int(random.integers(12, 34)), random.uniform(3, 14)
    shade = tuple((np.array(colour) * random.uniform(0.7, 1.25)).tolist())
    at = foot.copy()
    for step in range(length):
        way += bend
        end = at + 12 * np.array((np.cos(way), np.sin(way)))
        thick = max(1, round(width * (1 - (step / length) ** 2)))
        for canvas, value in ((photo, shade), (mask, 1)):
            cv2.line(canvas, *(tuple(map(int, p)) for p in (at, end)), value, thick)
        at = end


def finish(random: Random, photo: NDArray[np.floating], noise: float) -> Picture:
    """Light that falls off to one side, and a camera's noise."""
    height, width = photo.shape[:2]
    slope = np.cos(random.uniform(0, 6.28)) * np.linspace(-1, 1, width)[None] + np.zeros((height, 1))
    lit = photo * (1 + 0.15 * slope[..., None]) + random.normal(0, noise, photo.shape)
    return np.clip(lit, 0, 255).astype(np.uint8)


SETS: dict[str, Callable[[Random], tuple[Picture, Mask]]] = {
    "cracks": draw_cracks, "plants": draw_plants, "spots": draw_spots,
}  # fmt: skip


def draw(name: str, folder: Path, photos: int) -> Path:
    """Write a data set; the same name and number give the same photos."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for index in range(photos):
        photo, mask = SETS[name](np.random.default_rng((len(name), index)))
        Image.fromarray(photo).save(folder / "images" / f"{index:04d}.jpg", quality=90)
        Image.fromarray(mask * np.uint8(255)).save(folder / "masks" / f"{index:04d}.png")
    return folder


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("name", choices=SETS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=200)
    args = parser.parse_args()
    print(draw(args.name, args.folder, args.photos))


if __name__ == "__main__":
    main()
