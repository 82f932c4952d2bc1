"""Predict with the model.onnx beside this file. Needs onnxruntime, numpy and pillow, nothing else.

    python predict.py photo.jpg                 photo_mask.png beside the photo
    python predict.py photos/*.jpg --out masks  into a folder
    python predict.py photo.jpg --cutout        the subject on transparent ground as well

A mask holds 0 and 255 where the model finds one foreground, else the number of each pixel's class.
A photo that cannot be read is named, and the others are predicted; the exit status is then 1.
"""

import argparse
import io
import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

RADIUS, EPSILON, CERTAIN = 4, 1e-4, 0.02  # of the refinement of edges, as in the app


class Model:
    """An exported network, with the preprocessing and threshold that its file carries."""

    def __init__(self, path: str | Path, threads: int = 0) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(
            str(path), options, providers=onnxruntime.get_available_providers()
        )
        stored = self.session.get_modelmeta().custom_metadata_map
        self.about: dict[str, Any] = {key: json.loads(value) for key, value in stored.items()}

    def __call__(self, photo: np.ndarray, refined: bool | None = None) -> np.ndarray:
        """Scores of every pixel at the photo's own size, float32 (height, width, outputs) in 0..1.

        `photo` is uint8 RGB (height, width, 3). `refined`: of one foreground, along the photo's edges; None:
        if the model's masks are better for it.
        """
        refined = self.about.get("refine_edges", True) if refined is None else refined
        pixels, inner = self.fitted(photo)
        logits = self.in_windows(pixels) if self.about.get("window") else self.forward(pixels)
        logits = logits[:, : inner[0], : inner[1]]
        if self.about["task"] == "multiclass":
            shares = np.exp(logits - logits.max(axis=0))
            scores = shares / shares.sum(axis=0)
        else:
            scores = 1 / (1 + np.exp(-logits))
        if refined and self.about["task"] == "binary":
            return refine(scores[0], photo)[..., None]
        return np.stack([resized(s, photo.shape[:2]) for s in scores], axis=2)

    def forward(self, pixels: np.ndarray) -> np.ndarray:
        """Logits, float32 (outputs, h, w), of pixels (h, w, 3) in 0..255."""
        mean, std = (np.array(self.about[key], np.float32) for key in ("mean", "std"))
        normalised = (pixels.astype(np.float32) / 255 - mean) / std
        network = np.ascontiguousarray(normalised.transpose(2, 0, 1)[None])
        return np.asarray(self.session.run(None, {self.session.get_inputs()[0].name: network})[0][0])

    def in_windows(self, pixels: np.ndarray) -> np.ndarray:
        """The same of a larger photo: overlapping windows, averaged with Gaussian weights."""
        sides = [min(pair) for pair in zip(self.about["window"], pixels.shape[:2], strict=True)]
        starts = [
            spaced(length, side, self.about["overlap"])
            for length, side in zip(pixels.shape, sides, strict=False)
        ]
        down, across = (
            np.exp(-0.5 * (((np.arange(n) + 0.5) / n - 0.5) / self.about["sigma"]) ** 2) for n in sides
        )
        weights = np.outer(down, across).astype(np.float32)
        total, weight = np.zeros((1, 1, 1), np.float32), np.zeros(pixels.shape[:2], np.float32)
        for top, left in itertools.product(*starts):
            place = slice(top, top + sides[0]), slice(left, left + sides[1])
            logits = self.forward(pixels[place])
            if total.size == 1:
                total = np.zeros((len(logits), *weight.shape), np.float32)
            total[:, *place] += logits * weights
            weight[place] += weights
        return total / weight

    def fitted(self, photo: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        """The pixels that the network sees, uint8 (h, w, 3), and the (height, width) that the photo takes of
        them: it keeps its shape, and what is left over mirrors it."""
        height, width = photo.shape[:2]
        fixed, step, window = self.about["size"], self.about["multiple_of"], self.about.get("window")
        if fixed and not window:
            scale = min(fixed[0] / height, fixed[1] / width)
        else:
            scale = (self.about["long_side"] or max(height, width)) / max(height, width)
        inner = max(1, round(height * scale)), max(1, round(width * scale))
        pixels = (
            photo if inner == (height, width) else np.rint(resized(photo, inner, scale < 1)).astype(np.uint8)
        )
        least = self.about.get("smallest_side", step)
        whole = fixed or [max(side + -side % step, least) for side in inner]
        if window:  # which may stand anywhere
            whole = [
                side if side > most else size for size, side, most in zip(whole, inner, window, strict=True)
            ]
        rest = [(0, max(0, size - side)) for size, side in zip(whole, inner, strict=True)]
        return np.pad(pixels, (*rest, (0, 0)), mode="symmetric"), inner

    def mask(self, scores: np.ndarray) -> np.ndarray:
        """Scores (height, width, outputs) as a mask, uint8 (height, width)."""
        if self.about["task"] == "multiclass":
            mask = scores.argmax(axis=2)
        elif self.about["task"] == "binary":
            mask = (scores[..., 0] >= self.about["threshold"]) * 255
        else:
            mask = ((scores >= self.about["threshold"]) << np.arange(scores.shape[2])).sum(axis=2)
        return np.asarray(mask, np.uint8)


def read(path: Path, value_range: list[float] | None = None) -> np.ndarray:
    """A photo as the network was taught on, uint8 RGB (height, width, 3): upright, transparency on white,
    values of more than 8 bits scaled to 8, of several frames the first.

    Without a range, values up to 1 and up to 255 are taken for what they seem, others for 16 bits.
    """
    content = path.read_bytes()
    # From memory: Pillow maps plain TIFFs of a path with height and width swapped where they are turned.
    photo: Image.Image = Image.open(io.BytesIO(content))
    deep = sixteen_bit_colours(photo, Image.open(io.BytesIO(content)))
    if deep is not None:
        colours, alpha = scaled(deep[..., :3], value_range), scaled(deep[..., 3:], [0, 65535])
        photo = Image.fromarray(np.concatenate([colours, alpha], axis=2))
    photo = ImageOps.exif_transpose(photo)
    if photo.mode.startswith(("I", "F")):
        photo = Image.fromarray(scaled(np.asarray(photo), value_range))
    elif "A" in photo.mode or "a" in photo.mode or "transparency" in photo.info:
        rgba = photo.convert("RGBA")
        photo = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(photo.convert("RGB"))


def scaled(values: np.ndarray, value_range: list[float] | None) -> np.ndarray:
    """Values of any type as uint8, from black to white."""
    wide = np.nan_to_num(np.asarray(values, np.float64))
    highest = wide.max(initial=0)
    usual = 1.0 if values.dtype.kind == "f" and highest <= 1 else 255.0 if highest <= 255 else 65535.0
    low, high = value_range or (0.0, usual)
    return np.asarray((np.clip((wide - low) / (high - low), 0, 1) * 255).round(), np.uint8)


def sixteen_bit_colours(photo: Any, again: Any) -> np.ndarray | None:
    """Colours of 16 bits in full, uint16 (height, width, 3 or 4), upright; None for other photos.

    Pillow keeps the high byte of a sample. Read `again` with the two bytes swapped, it gives the low one.
    """
    args = photo.tile[0][3] if photo.tile else ""
    raw = str(args if isinstance(args, str) else args[0])
    tags = getattr(photo, "tag_v2", {})
    if tags.get(284) == 2 and len(tags.get(258, ())) > 2 and 16 in tags[258]:
        raise ValueError("each of its 16-bit colours is in a plane of its own: save it interleaved")
    if raw == "LA;16B":
        both = halves(photo, "RGBA")
        return np.asarray((both[..., 0::2] << 8 | both[..., 1::2])[..., [0, 0, 0, 1]], np.uint16)
    if not raw.startswith("RGB") or raw[:-1][-3:] != ";16":
        return None
    clear, plain = photo.info.get("transparency"), raw.replace("a", "A")
    other = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}[raw[-1]]
    values = np.asarray(halves(photo, plain) << 8 | halves(again, plain[:-1] + other), np.uint16)
    if raw != plain:  # colours were multiplied by alpha
        colours = values[..., :3].astype(np.float64) * (65535 / np.maximum(values[..., 3:], 1))
        values[..., :3] = colours.clip(0, 65535).round()
    if isinstance(clear, tuple):
        alpha = np.where((values == clear).all(axis=2), 0, 65535)
        values = np.dstack([values, alpha.astype(np.uint16)])
    return values


def halves(photo: Any, raw: str) -> np.ndarray:
    """One byte of each sample: a photo decoded as if its file were laid out like this."""
    photo.tile = [t._replace(args=raw if isinstance(t[3], str) else (raw, *t[3][1:])) for t in photo.tile]
    return np.asarray(ImageOps.exif_transpose(photo)).astype(np.uint16)


def spaced(length: int, side: int, overlap: float) -> list[int]:
    """Where windows of a side start: evenly spaced, the last one ending with the photo."""
    steps = max(0, int(np.ceil((length - side) / (side * (1 - overlap)))))
    return [round(i * (length - side) / max(1, steps)) for i in range(steps + 1)]


def resized(values: np.ndarray, size: tuple[int, int], by_area: bool = False) -> np.ndarray:
    """(h, w) or (h, w, channels) at another (height, width), float32: by the mean of what each pixel covers,
    or linearly between the middles of pixels."""
    along = covered if by_area else between
    for axis in (0, 1):
        if values.shape[axis] != size[axis]:
            values = np.moveaxis(along(np.moveaxis(values, axis, 0), size[axis]), 0, axis)
    return values.astype(np.float32)


def between(values: np.ndarray, count: int) -> np.ndarray:
    """Linear interpolation along the first axis, at the middles of `count` pixels."""
    places = ((np.arange(count) + 0.5) * len(values) / count - 0.5).clip(0, len(values) - 1)
    lower = places.astype(int)
    upper = np.minimum(lower + 1, len(values) - 1)
    share = (places - lower).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(values[lower] * (1 - share) + values[upper] * share)


def covered(values: np.ndarray, count: int) -> np.ndarray:
    """The mean along the first axis of what each of `count` pixels covers, parts of pixels included."""
    edges = np.arange(count + 1) * len(values) / count
    found = np.empty((count, *values.shape[1:]), np.float32)
    for i, (start, end) in enumerate(itertools.pairwise(edges)):
        first, last = int(start), min(len(values), int(np.ceil(end)))
        weights = np.ones(last - first, np.float32)
        weights[0] -= start - first
        weights[-1] -= last - end
        found[i] = np.tensordot(weights / weights.sum(), values[first:last].astype(np.float32), 1)
    return found


def refine(small: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """A small map of probabilities (h, w) at the size of the photo, along the photo's edges.

    Source: He and Sun, Fast Guided Filter (2015), https://arxiv.org/abs/1505.00996.
    """
    guide = np.rint(resized(photo, small.shape, True)) / np.float32(255)
    guide_mean, mean = local_mean(guide), local_mean(small)
    together = local_mean(guide * small[..., None]) - guide_mean * mean[..., None]
    products = guide[..., :, None] * guide[..., None, :]
    spread = local_mean(products) - guide_mean[..., :, None] * guide_mean[..., None, :] + EPSILON * np.eye(3)
    slope = np.linalg.solve(spread, together[..., None])[..., 0]
    offset = local_mean(mean - (slope * guide_mean).sum(axis=2))
    plain = resized(small, photo.shape[:2])
    fine = resized(offset, photo.shape[:2])
    slope = local_mean(slope)
    for channel in range(3):
        fine += resized(slope[..., channel], photo.shape[:2]) * (photo[..., channel] * np.float32(1 / 255))
    certain = (plain < CERTAIN) | (plain > 1 - CERTAIN)
    return np.where(certain, plain, fine.clip(0, 1))


def local_mean(values: np.ndarray) -> np.ndarray:
    """Over a square of 2 RADIUS + 1 pixels around each pixel of (h, w, ...)."""
    side = 2 * RADIUS + 1
    values = values.astype(np.float64)
    for axis in (0, 1):
        padded = np.moveaxis(values, axis, 0)
        padded = np.pad(padded, ((RADIUS, RADIUS), *[(0, 0)] * (values.ndim - 1)), mode="symmetric")
        total = np.concatenate([np.zeros_like(padded[:1]), padded.cumsum(axis=0)])
        values = np.moveaxis((total[side:] - total[:-side]) / side, 0, axis)
    return values


def cutout(photo: np.ndarray, scores: np.ndarray, threshold: float) -> Image.Image:
    """The photo with an alpha channel that is soft where the model is unsure."""
    alpha = np.clip((scores[..., 0] - threshold + 0.15) / 0.3, 0, 1)
    return Image.fromarray(np.dstack([photo, (alpha * 255).round().astype(np.uint8)]))


def target(path: Path, out: Path, taken: set[Path]) -> Path:
    """Where a photo's results go, without their endings: no two alike, and short enough for any disk."""
    stem = os.fsencode(path.stem)[:200].decode("utf-8", "ignore")
    found, number = out / stem, 2
    while found in taken:
        found, number = out / f"{stem}-{number}", number + 1
    taken.add(found)
    return found


def save(model: Model, path: Path, to: Path, with_cutout: bool, refined: bool | None) -> None:
    """Predict one photo and write its results."""
    photo = read(path, model.about.get("value_range"))
    scores = model(photo, refined)
    made = {"mask": Image.fromarray(model.mask(scores))}
    if with_cutout and model.about["task"] == "binary":
        made["cutout"] = cutout(photo, scores, model.about["threshold"])
    to.parent.mkdir(parents=True, exist_ok=True)
    for kind, picture in made.items():
        picture.save(f"{to}_{kind}.png")
        print(f"{to}_{kind}.png")


def main() -> int:
    here = Path(__file__).resolve().parent
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO")
    parser.add_argument("--model", type=Path, default=here / "model.onnx")
    parser.add_argument("--out", type=Path, help="folder for the results (default: beside each photo)")
    parser.add_argument("--cutout", action="store_true")
    parser.add_argument("--plain", action="store_true", help="do not refine edges along the photo")
    args = parser.parse_args()
    model = Model(args.model)
    taken: set[Path] = set()
    failed = 0
    for path in args.photos:
        try:
            save(
                model,
                path,
                target(path, args.out or path.parent, taken),
                args.cutout,
                False if args.plain else None,
            )
        except Exception as error:  # damaged pictures raise errors of every kind
            failed += 1
            print(f"Left out: {path}: {error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
