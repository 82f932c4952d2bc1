"""Masks of MediaPipe's selfie segmentation (general model), for benchmarks/free_models.py.

    PYTHON benchmarks/mediapipe_masks.py PHOTOS MASKS

PYTHON is one that has mediapipe 0.10.9, which needs an older numpy than the app: an environment of its own.
Writes a mask of 0 and 255 for each photo, at its own size, and prints the network's median milliseconds.
"""

import statistics
import sys
import time
from pathlib import Path

import cv2
import mediapipe  # type: ignore[import-not-found,unused-ignore]

THRESHOLD = 0.5


def main() -> None:
    photos, masks = Path(sys.argv[1]), Path(sys.argv[2])
    masks.mkdir(parents=True, exist_ok=True)
    model = mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
    times = []
    for file in sorted(photos.iterdir()):
        photo = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
        start = time.perf_counter()
        found = model.process(photo).segmentation_mask
        times.append(time.perf_counter() - start)
        cv2.imwrite(str(masks / f"{file.stem}.png"), (found >= THRESHOLD).astype("uint8") * 255)
    print(1000 * statistics.median(times))


if __name__ == "__main__":
    main()
