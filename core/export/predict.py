"""Predict with the model.onnx beside this file. Needs onnxruntime, numpy and pillow, nothing else.

    python predict.py photo.jpg                 photo_mask.png beside the photo
    python predict.py photos/*.jpg --out masks  into a folder
    python predict.py photo.jpg --cutout        the subject on transparent ground as well

A mask holds 0 and 255 where the model finds one foreground, else the number of each pixel's class.
A photo that cannot be read is named, and the others are predicted; the exit status is then 1.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


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

    def __call__(self, photo: Image.Image) -> np.ndarray:
        """Scores of every pixel at the photo's own size, float32 (height, width, outputs) in 0..1."""
        network, inner = self.prepare(photo)
        logits = self.session.run(None, {self.session.get_inputs()[0].name: network})[0][0]
        logits = logits[:, : inner[1], : inner[0]]
        if self.about["task"] == "multiclass":
            shares = np.exp(logits - logits.max(axis=0))
            scores = shares / shares.sum(axis=0)
        else:
            scores = 1 / (1 + np.exp(-logits))
        way = Image.Resampling.BILINEAR
        return np.stack([np.asarray(Image.fromarray(s).resize(photo.size, way)) for s in scores], axis=2)

    def prepare(self, photo: Image.Image) -> tuple[np.ndarray, tuple[int, int]]:
        """The network's input, float32 (1, 3, h, w), and the (width, height) that the photo takes of it."""
        inner = self.inner_size(photo.size)
        enlarges = inner[0] > photo.width
        way = Image.Resampling.BILINEAR if enlarges else Image.Resampling.BOX
        pixels = np.asarray(photo.resize(inner, way))
        if not self.about["size"]:
            step = self.about["multiple_of"]
            pixels = np.pad(pixels, ((0, -inner[1] % step), (0, -inner[0] % step), (0, 0)), mode="symmetric")
        mean, std = (np.array(self.about[key], np.float32) for key in ("mean", "std"))
        normalised = (pixels.astype(np.float32) / 255 - mean) / std
        return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None]), inner

    def inner_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height) at which the network sees a photo of this (width, height)."""
        if self.about["size"]:
            height, width = self.about["size"]
            return width, height
        scale = self.about["long_side"] / max(size)
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    def mask(self, scores: np.ndarray) -> np.ndarray:
        """Scores (height, width, outputs) as a mask, uint8 (height, width)."""
        if self.about["task"] == "multiclass":
            mask = scores.argmax(axis=2)
        elif self.about["task"] == "binary":
            mask = (scores[..., 0] >= self.about["threshold"]) * 255
        else:
            mask = ((scores >= self.about["threshold"]) << np.arange(scores.shape[2])).sum(axis=2)
        return np.asarray(mask, np.uint8)


def rgb(photo: Image.Image, value_range: list[float] | None) -> Image.Image:
    """A photo as the network was taught on: upright, transparency on white, grey values of more than 8
    bits scaled to 8.

    Without a range, values up to 1 and up to 255 are taken for what they seem, others for 16 bits.
    """
    photo = ImageOps.exif_transpose(photo)
    if "A" in photo.mode or "a" in photo.mode or "transparency" in photo.info:
        rgba = photo.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    if not photo.mode.startswith(("I", "F")):
        return photo.convert("RGB")
    values = np.nan_to_num(np.asarray(photo, np.float64))
    highest = values.max(initial=0)
    usual = 1.0 if photo.mode == "F" and highest <= 1 else 255.0 if highest <= 255 else 65535.0
    low, high = value_range or (0.0, usual)
    grey = (np.clip((values - low) / (high - low), 0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def cutout(photo: Image.Image, scores: np.ndarray, threshold: float) -> Image.Image:
    """The photo with an alpha channel that is soft where the model is unsure."""
    alpha = np.clip((scores[..., 0] - threshold + 0.15) / 0.3, 0, 1)
    return Image.merge("RGBA", [*photo.split(), Image.fromarray((alpha * 255).round().astype(np.uint8))])


def target(path: Path, out: Path, taken: set[Path]) -> Path:
    """Where a photo's results go, without their endings: no two alike, and short enough for any disk."""
    stem = os.fsencode(path.stem)[:200].decode("utf-8", "ignore")
    found, number = out / stem, 2
    while found in taken:
        found, number = out / f"{stem}-{number}", number + 1
    taken.add(found)
    return found


def save(model: Model, path: Path, to: Path, with_cutout: bool) -> None:
    """Predict one photo and write its results."""
    photo = rgb(Image.open(path), model.about.get("value_range"))
    scores = model(photo)
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
    args = parser.parse_args()
    model = Model(args.model)
    taken: set[Path] = set()
    failed = 0
    for path in args.photos:
        try:
            save(model, path, target(path, args.out or path.parent, taken), args.cutout)
        except Exception as error:  # damaged pictures raise errors of every kind
            failed += 1
            print(f"Left out: {path}: {error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
