"""Held-out photos of real data, and sets split as in the tutorial: by sorted name, the last fifth."""

import json
import os
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SHARED = PROJECT.parent / "shared"
sys.path.insert(0, str(PROJECT))


def last_fifth_held_out(source: Path, folder: Path) -> Path:
    """A data set folder of links to `source`, with that split in its dataset.json."""
    from core.data.dataset import describe, open_data
    from core.data.split_record import Split

    if not (folder / "dataset.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for part in ("images", "masks"):
            (folder / part).symlink_to((source / part).resolve())
        data = open_data(folder)
        names = [pair.name for pair in data.pairs]
        cut = round(len(names) * 0.8)
        split = Split(tuple(names[:cut]), tuple(names[cut:]))
        about = describe(source.name, data.encoding, split)
        (folder / "dataset.json").write_text(json.dumps(about), "utf-8")
    return folder


HELD_OUT = {"people": 58, "street": 120, "horse": 40, "pet": 150}


def held_out_names(shared: Path) -> dict[str, list[str]]:
    """The photos that models that ship were not trained on, by data set: the last 58 of `people`, 120 of
    `street`, 40 horses and 150 pets of `animals` by sorted name, and the test set of `portraits`."""

    def last(folder: str, kind: str, prefix: str = "") -> list[str]:
        names = sorted(path.name for path in (shared / folder / "images").glob(f"{prefix}*"))
        return names[-HELD_OUT[kind] :]

    portraits = json.loads((shared / "portraits" / "split.json").read_text("utf-8"))["test"]
    return {
        "people": last("people", "people"),
        "street": last("street", "street"),
        "portraits": list(portraits),
        "animals": [*last("animals", "horse", "horse_"), *last("animals", "pet", "pet_")],
    }


def built_in(workspace: Path) -> Path:
    """The data set that the project draws, with its own split."""
    os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = str(workspace)
    from core.data import demo

    if not demo.is_ready():
        list(demo.generate())
    return demo.demo_folder()
