"""Hand-made archives of every layout, small and real."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data import demo

HEIGHT, WIDTH = 96, 64


def zipped(content: Mapping[str, bytes] | Path, prefix: str = "") -> io.BytesIO:
    """A zip of these files, or of a folder's."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        if isinstance(content, Path):
            content = {
                str(p.relative_to(content)): p.read_bytes() for p in sorted(content.rglob("*")) if p.is_file()
            }
        for name, body in content.items():
            archive.writestr(prefix + name, body)
    stream.seek(0)
    stream.name = "pile.zip"
    return stream


def scene(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return demo.draw_scene(seed, HEIGHT, WIDTH)


def picture(array: NDArray[np.uint8], form: str = "PNG", mode: str = "", **options: object) -> bytes:
    stream = io.BytesIO()
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(stream, form, **options)
    return stream.getvalue()


def photo(seed: int) -> bytes:
    return picture(scene(seed)[0], "JPEG")


def mask(seed: int) -> bytes:
    return picture(scene(seed)[1] * np.uint8(255))


def layouts(count: int = 4) -> dict[str, tuple[dict[str, bytes], str]]:
    """Files of every layout, and the name that it should be recognised by."""
    n = range(count)
    both = {f"p/images/{i}.jpg": photo(i) for i in n} | {f"p/masks/{i}.png": mask(i) for i in n}
    deep = "supervisely_person_clean_2667_img/supervisely_person_clean_2667_img"
    return {
        "folders": (both, "Folders"),
        "kaggle": ({f"{deep}/{k[2:]}": v for k, v in both.items()}, "Folders"),
        "beside": (
            {f"{i}.jpg": photo(i) for i in n} | {f"{i}_mask.png": mask(i) for i in n}, "side by side",
        ),
        "parts above": (
            {f"{part(i)}/images/{i}.jpg": photo(i) for i in n}
            | {f"{part(i)}/masks/{i}.png": mask(i) for i in n}, "Folders",
        ),
        "parts below": (
            {f"images/{part(i)}/{i}.jpg": photo(i) for i in n}
            | {f"labels/{part(i)}/{i}.png": mask(i) for i in n}, "Folders",
        ),
        "carvana": (
            {f"train/car_{i}.jpg": photo(i) for i in n}
            | {f"train_masks/car_{i}_mask.png": mask(i) for i in n}, "Folders",
        ),
        "segnet": (
            {f"{part(i)}/{i}.png": picture(scene(i)[0]) for i in n}
            | {f"{part(i)}annot/{i}.png": picture(scene(i)[1]) for i in n},
            "Folders",
        ),
        "voc": (voc(count), "Pascal VOC"),
        "cityscapes": (cityscapes(count), "Cityscapes"),
        "coco": (coco(count), "COCO"),
        "yolo": (yolo(count), "YOLO"),
    }  # fmt: skip


def part(i: int) -> str:
    return "val" if i == 0 else "train"


def voc(count: int) -> dict[str, bytes]:
    """Class 15, person, with a void border, as palette pictures."""
    files: dict[str, bytes] = {}
    for i in range(count):
        values = scene(i)[1] * np.uint8(15)
        values[0] = 255
        image = Image.fromarray(values, "P")
        image.putpalette([v for c in range(256) for v in (c, 255 - c, (7 * c) % 256)])
        stream = io.BytesIO()
        image.save(stream, "PNG")
        files[f"VOC2012/JPEGImages/a{i}.jpg"] = photo(i)
        files[f"VOC2012/SegmentationClass/a{i}.png"] = stream.getvalue()
        files[f"VOC2012/SegmentationObject/a{i}.png"] = stream.getvalue()
    files["VOC2012/JPEGImages/unlabelled.jpg"] = photo(99)
    files["VOC2012/ImageSets/Segmentation/train.txt"] = "\n".join(f"a{i}" for i in range(1, count)).encode()
    files["VOC2012/ImageSets/Segmentation/val.txt"] = b"a0\n"
    return files


def cityscapes(count: int) -> dict[str, bytes]:
    """Colours that are classes, with the other pictures that lie beside them."""
    files: dict[str, bytes] = {}
    for i in range(count):
        inside = scene(i)[1].astype(bool)
        colours = np.zeros((*inside.shape, 3), np.uint8)
        colours[...] = (128, 64, 128)
        colours[inside] = (220, 20, 60)
        place = f"{part(i)}/aachen/aachen_{i}"
        files[f"leftImg8bit/{place}_leftImg8bit.png"] = picture(scene(i)[0])
        files[f"gtFine/{place}_gtFine_color.png"] = picture(colours)
        files[f"gtFine/{place}_gtFine_instanceIds.png"] = picture(scene(i)[1])
    files["class_dict.csv"] = b"name,r,g,b\nroad,128,64,128\nperson,220,20,60\nsky,70,130,180\n"
    return files


def coco(count: int) -> dict[str, bytes]:
    """A square as a polygon, and a whole mask as run lengths, in the two forms COCO has."""
    from pycocotools import mask as coco_masks

    files = {f"images/{i}.jpg": photo(i) for i in range(count)}
    annotations: list[dict[str, object]] = []
    for i in range(count):
        square = [[10, 10, 30, 10, 30, 30, 10, 30]]
        runs = coco_masks.encode(np.asfortranarray(scene(i)[1]))
        loose = [int(r) for r in run_lengths(scene(i)[1])]
        shape: object = {"size": [HEIGHT, WIDTH], "counts": runs["counts"].decode()}
        if i % 2:
            shape = {"size": [HEIGHT, WIDTH], "counts": loose}
        annotations.append({"id": 2 * i, "image_id": i, "category_id": 1, "segmentation": shape})
        box = {"id": 2 * i + 1, "image_id": i, "category_id": 7, "segmentation": square}
        annotations.append(box)
    annotations.append({"id": 999, "image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4]})
    files["annotations/instances_default.json"] = json.dumps({
        "images": [
            {"id": i, "file_name": f"{i}.jpg", "height": HEIGHT, "width": WIDTH} for i in range(count)
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 7, "name": "box"}],
        "annotations": annotations,
    }).encode()  # fmt: skip
    return files


def run_lengths(inside: NDArray[np.uint8]) -> NDArray[np.int64]:
    """COCO's uncompressed form: column by column, background first."""
    flat = inside.T.ravel()
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], ends, [flat.size]]))
    return runs if flat[0] == 0 else np.concatenate([[0], runs])


def yolo(count: int) -> dict[str, bytes]:
    files = {"data.yaml": b"names:\n  0: person\n  1: box\ntrain: images/train\n"}
    for i in range(count):
        files[f"images/{part(i)}/{i}.jpg"] = photo(i)
        files[f"labels/{part(i)}/{i}.txt"] = b"1 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75\n"
    return files
