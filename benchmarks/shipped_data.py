"""Assemble the data that the models in checkpoints/ are trained on, from public sources laid out as

    SOURCE/{people,pedestrians,street,animals}/{images,masks}
    SOURCE/portraits/{images,masks,split.json}  SOURCE/cutouts/*.png  SOURCE/backgrounds/*.jpg

Held out and never written into it: the photos of benchmarks/held_out.py. A training photo that looks like a
held-out one (difference hash within 6 bits) is left out too.

    python benchmarks/shipped_data.py --source ../shared/data --out workspace/datasets/person
    python benchmarks/shipped_data.py --source ../shared/data --out workspace/datasets/subject --subjects

With --subjects, animals are among them. With --teacher FILE, also crops of photos, with the masks of that
model (an ONNX file or a folder) where it is sure of an object: furniture, cars, bags.
"""

import argparse
import json
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from held_out import HELD_OUT, held_out_names

from core.cli.arguments import card_of_model
from core.cutout_settings import Background
from core.data.dataset import describe
from core.data.masks import BinaryEncoding, resize_mask
from core.data.pairing import Pair
from core.data.photos import read_photo
from core.data.split_record import Split
from core.data.store import read_pair
from core.imaging.matting import compose as compose_onto
from core.imaging.rendering import display_size
from core.inference.predictor import Predictor
from core.system.workspace import write_json

LONG_SIDE = 448
VALIDATION = 120
NEGATIVES = 100
MADE = ("composed", "empty", "moved", "taught")  # photos of which the validation part has none
IDS, GREY = BinaryEncoding(1), BinaryEncoding(128)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--composites", type=int, default=800)
    parser.add_argument("--moved", type=int, default=600, help="photos given another background")
    parser.add_argument("--subjects", action="store_true", help="animals too")
    parser.add_argument("--teacher", type=Path, help="a model that marks objects on crops")
    parser.add_argument("--crops", type=int, default=1500, help="crops that the teacher sees")
    parser.add_argument("--without", nargs="*", default=[], help="sources to leave out, for ablations")
    args = parser.parse_args()
    for folder in ("images", "masks"):
        (args.out / folder).mkdir(parents=True, exist_ok=True)

    people = named_pairs(args.source / "people")
    split = json.loads((args.source / "portraits" / "split.json").read_text())
    portraits = {pair.name: pair for pair in named_pairs(args.source / "portraits")}
    street, animals = named_pairs(args.source / "street"), named_pairs(args.source / "animals")
    left_out = {
        args.source / source / "images" / name
        for source, names in held_out_names(args.source).items()
        for name in names
    }
    held_out = [pair for pair in (*people, *portraits.values(), *street, *animals) if pair.image in left_out]
    sources = {
        "people": [(pair, GREY) for pair in people],
        "portraits": [(portraits[name], GREY) for name in split["train"]],
        "pedestrians": [(pair, IDS) for pair in named_pairs(args.source / "pedestrians")],
        "street": [(pair, GREY) for pair in street],
    }
    if args.subjects:
        sources["animals"] = [(pair, GREY) for pair in animals]
    sources = {
        name: [(pair, encoding) for pair, encoding in pairs if pair.image not in left_out]
        for name, pairs in sources.items()
    }
    with ThreadPoolExecutor() as pool:
        hashes = list(pool.map(lambda pair: difference_hash(pair.image), held_out))
        names: list[str] = []
        for source, pairs in sources.items():
            if source in args.without:
                continue
            written = pool.map(lambda item, s=source: copy_pair(item[0], item[1], s, args.out, hashes), pairs)
            names += [name for name in written if name]
    if "cutouts" not in args.without:
        names += compose(args.source, args.out, args.composites)
        validation = validation_of(names)
        stay = [name for name in names if name not in validation and not name.startswith(MADE)]
        names += move(args.source, args.out, stay, args.moved)
    if args.teacher:
        names += taught(args.source, args.out, args.teacher, args.crops)
    finish(args.out, names, "subject" if args.subjects else "person")


def named_pairs(folder: Path) -> list[Pair]:
    return [
        Pair(p.name, p, folder / "masks" / f"{p.stem}.png") for p in sorted((folder / "images").iterdir())
    ]


def copy_pair(pair: Pair, encoding: BinaryEncoding, source: str, out: Path, held_out: list[int]) -> str:
    own = difference_hash(pair.image)
    if min((own ^ other).bit_count() for other in held_out) <= 6:
        print(f"left out, looks like a held-out photo: {source}/{pair.name}")
        return ""
    photo, mask = read_pair(pair, encoding)
    if source in MENDED:
        mask = MENDED[source](mask)
    photo = display_size(photo, LONG_SIDE)
    return save(out, f"{source}-{Path(pair.name).stem}", photo, resize_mask(mask, photo.shape[:2]))


def without_steps(mask: np.ndarray) -> np.ndarray:
    """A mask made of superpixels with its small holes filled and its stepped outline smoothed."""
    filled = mask.copy()
    _, labels, found, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    for hole in range(1, len(found)):
        x, y, width, height, area = found[hole]
        inside = x > 0 and y > 0 and x + width < mask.shape[1] and y + height < mask.shape[0]
        if inside and area < SMALL_HOLE * int(mask.sum()):
            filled[labels == hole] = 1
    return (cv2.GaussianBlur(filled.astype(np.float32), (0, 0), 2.5) >= 0.5).astype(np.uint8)


def without_halo(mask: np.ndarray) -> np.ndarray:
    """The small masks of pets are one to three pixels too wide."""
    return cv2.erode(mask, np.ones((3, 3), np.uint8)) if max(mask.shape) <= 128 else mask


SMALL_HOLE = 0.02  # of the subject
MENDED = {"street": without_steps, "animals": without_halo}


def taught(source: Path, out: Path, teacher: Path, count: int) -> list[str]:
    """Crops of photos, seeded, on which the teacher is sure of one object of a fair size."""
    card = card_of_model(teacher)
    predictor = Predictor(teacher, "cpu", card)
    rng = random.Random(13)
    folders = ("backgrounds", "backgrounds", "camvid/train/images", "street/images")
    photos = {folder: sorted((source / folder).iterdir()) for folder in folders}
    photos["street/images"] = photos["street/images"][: -HELD_OUT["street"]]
    names = []
    for i in range(count):
        photo = read_photo(rng.choice(photos[rng.choice(folders)]))
        height, width = (round(side * rng.uniform(0.3, 0.8)) for side in photo.shape[:2])
        top, left = rng.randint(0, photo.shape[0] - height), rng.randint(0, photo.shape[1] - width)
        crop = display_size(photo[top : top + height, left : left + width].copy(), LONG_SIDE)
        found = predictor(crop)
        mask = (found >= 0.5).astype(np.uint8)
        unsure = float(((found > 0.2) & (found < 0.8)).sum()) / max(1, int(mask.sum()))
        if SUBJECT[0] <= mask.mean() <= SUBJECT[1] and unsure < MOST_UNSURE:
            names.append(save(out, f"taught-{i:04d}", crop, mask))
    print(f"the teacher was sure of {len(names)} of {count} crops")
    return names


SUBJECT = 0.04, 0.6  # share of a crop
MOST_UNSURE = 0.15  # pixels between 0.2 and 0.8, as a share of the object


def save(out: Path, stem: str, photo: np.ndarray, mask: np.ndarray) -> str:
    Image.fromarray(photo).save(out / "images" / f"{stem}.jpg", quality=94)
    Image.fromarray(mask * np.uint8(255)).save(out / "masks" / f"{stem}.png")
    return f"{stem}.jpg"


def compose(source: Path, out: Path, count: int) -> list[str]:
    """Cut-out people of random size and place on photos of empty rooms and streets, seeded."""
    rng = random.Random(7)
    cutouts = sorted((source / "cutouts").glob("*.png"))
    backgrounds = sorted((source / "backgrounds").glob("*.jpg"))
    names = []
    for i in range(count):
        photo = display_size(read_photo(rng.choice(backgrounds)), LONG_SIDE).copy()
        mask = np.zeros(photo.shape[:2], np.uint8)
        for _ in range(rng.choice([1, 1, 2, 3])):
            paste(photo, mask, np.asarray(Image.open(rng.choice(cutouts)).convert("RGBA")), rng)
        names.append(save(out, f"composed-{i:04d}", photo, mask))
    for path in backgrounds[:NEGATIVES]:
        photo = display_size(read_photo(path), LONG_SIDE)
        names.append(save(out, f"empty-{path.stem}", photo, np.zeros(photo.shape[:2], np.uint8)))
    return names


def move(source: Path, out: Path, names: list[str], count: int) -> list[str]:
    """People of training photos before other backgrounds, at the lower edge where they were, seeded: what
    stands behind a person must not tell where the person is."""
    rng = random.Random(11)
    backgrounds = sorted((source / "backgrounds").glob("*.jpg"))
    chosen = [name for name in sorted(names) if not name.startswith("pedestrians")]
    made = []
    for i, name in enumerate(rng.sample(chosen, min(count, len(chosen)))):
        photo, mask = read_photo(out / "images" / name), np.asarray(Image.open(mask_of(out, name)))
        alpha = cv2.GaussianBlur(mask.astype(np.float32) / 255, (3, 3), 0)
        figure = compose_onto(photo, alpha, Background())
        size = max(32, round(figure.shape[1] * rng.uniform(0.5, 1.0))), 0
        size = size[0], max(32, round(figure.shape[0] * size[0] / figure.shape[1]))
        figure = cv2.resize(figure, size, interpolation=cv2.INTER_AREA)
        layer = np.zeros((*photo.shape[:2], 4), np.uint8)
        left = rng.randint(0, photo.shape[1] - size[0])
        layer[photo.shape[0] - size[1] :, left : left + size[0]] = figure
        behind = Background("picture", picture=read_photo(rng.choice(backgrounds)))
        share = layer[..., 3].astype(np.float32) / 255
        whole = compose_onto(layer[..., :3].copy(), share, behind, decontaminate=False)
        made.append(save(out, f"moved-{i:04d}", whole, (share >= 0.5).astype(np.uint8)))
    return made


def mask_of(out: Path, name: str) -> Path:
    return out / "masks" / f"{Path(name).stem}.png"


def paste(photo: np.ndarray, mask: np.ndarray, figure: np.ndarray, rng: random.Random) -> None:
    """Lay one RGBA figure on the photo in place, its feet possibly below the lower edge."""
    height = int(photo.shape[0] * rng.uniform(0.35, 1.1))
    width = max(8, round(figure.shape[1] * height / figure.shape[0]))
    figure = cv2.resize(figure, (width, height), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        figure = figure[:, ::-1]
    left = rng.randint(-width // 4, max(1, photo.shape[1] - width * 3 // 4))
    top = rng.randint(photo.shape[0] - height - photo.shape[0] // 8, photo.shape[0] - height // 2)
    y0, y1 = max(0, top), min(photo.shape[0], top + height)
    x0, x1 = max(0, left), min(photo.shape[1], left + width)
    if y1 <= y0 or x1 <= x0:
        return
    part = figure[y0 - top : y1 - top, x0 - left : x1 - left].astype(np.float32)
    alpha = cv2.GaussianBlur(part[..., 3], (3, 3), 0)[..., None] / 255
    light = rng.uniform(0.75, 1.2)
    colour = np.clip(part[..., :3] * light, 0, 255)
    photo[y0:y1, x0:x1] = (colour * alpha + photo[y0:y1, x0:x1] * (1 - alpha)).astype(np.uint8)
    mask[y0:y1, x0:x1] |= (alpha[..., 0] >= 0.5).astype(np.uint8)


def difference_hash(path: Path) -> int:
    """64 bits: whether each of 8x8 grey cells is brighter than its right neighbour."""
    grey = cv2.cvtColor(read_photo(path, max_side=64), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    return int.from_bytes(np.packbits(small[:, 1:] > small[:, :-1]).tobytes(), "big")


def validation_of(names: list[str]) -> set[str]:
    shuffled = sorted(name for name in names if not name.startswith(MADE))
    random.Random(7).shuffle(shuffled)
    return set(shuffled[:VALIDATION])


def finish(out: Path, names: list[str], subject: str) -> None:
    validation = validation_of(names)
    split = Split(tuple(sorted(set(names) - validation)), tuple(sorted(validation)))
    write_json(
        out / "dataset.json",
        describe(subject, BinaryEncoding(128, meaning=f"0 background, 255 {subject}"), split),
    )
    print(f"{len(split.train)} training and {len(split.validation)} validation pairs in {out}")


if __name__ == "__main__":
    main()
