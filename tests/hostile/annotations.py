"""Annotation files of many tools that claim what is not so."""

import json
from collections.abc import Iterator

from tests.core import archives
from tests.hostile.archives import pairs
from tests.hostile.case import Case, encoded, flipped


def bad_annotations() -> Iterator[Case]:
    photo = {"p/a.jpg": encoded("JPEG"), "p/b.jpg": encoded("JPEG")}
    image = {"id": 1, "file_name": "a.jpg", "width": 128, "height": 96}
    shape = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[0, 0, 50, 0, 50, 50]]}

    def coco(**changes: object) -> dict[str, object]:
        return {"images": [image], "annotations": [shape], "categories": [{"id": 1, "name": "x"}], **changes}

    wrong: dict[str, object] = {
        "numbers that are none": coco(annotations=[{**shape, "segmentation": [["a", None]]}]),
        "points at infinity": coco(annotations=[{**shape, "segmentation": [[1e308, -1e308] * 3]}]),
        "a picture of 10^9 pixels": coco(images=[{**image, "width": 10**5, "height": 10**4}]),
        "a negative picture": coco(images=[{**image, "width": -4, "height": -4}]),
        "runs that lie": coco(annotations=[{**shape, "segmentation": {"counts": [10**12], "size": [9, 9]}}]),
        "runs of text": coco(
            annotations=[{**shape, "segmentation": {"counts": "~" * 99, "size": [96, 128]}}]
        ),
        "runs of a huge size": coco(
            annotations=[{**shape, "segmentation": {"counts": [1], "size": [10**6] * 2}}]
        ),
        "a name that climbs": coco(images=[{**image, "file_name": "../../etc/passwd"}]),
        "a name of HTML": coco(categories=[{"id": 1, "name": "<script>alert(1)</script>"}]),
        "lists for objects": [1, 2, 3],
        "no images": {"images": None, "annotations": 5, "categories": "x"},
        "an id that is a list": coco(images=[{**image, "id": [1]}]),
        "300 categories": coco(categories=[{"id": i, "name": str(i)} for i in range(300)]),
    }
    for what, body in wrong.items():
        yield Case("data", f"COCO: {what}", "coco.zip", archives.zipped(
            {**photo, "annotations.json": json.dumps(body).encode()}).getvalue())  # fmt: skip
    for what, text in {
        "deep": b"[" * 200_000,
        "NaN": b'{"images": [NaN], "annotations": [Infinity], "categories": []}',
        "noise": b"\xff\xfe" * 500,
        "a long number": b'{"images": [' + b"9" * 100_000 + b'], "annotations": [], "categories": []}',
    }.items():
        yield Case(
            "data",
            f"JSON: {what}",
            "json.zip",
            archives.zipped({**photo, "annotations.json": text}).getvalue(),
        )
        described = archives.zipped({**pairs(), "dataset.json": text}).getvalue()
        yield Case("data", f"description: {what}", "described.zip", described)
    laughs = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % (c, c, *[c - 1] * 9) for c in range(98, 110)
    )
    for what, yaml, labels in (
        ("a billion laughs", laughs + b"names: *m\n", b"0 0.1 0.1 0.9 0.1 0.9 0.9\n"),
        ("code", b"names: !!python/object/apply:os.system ['touch /tmp/owned']\n", b"0 0 0 1 0 1 1\n"),
        ("a long path", b"path: " + b"../" * 2000 + b"\nnames: [x]\n", b"0 0 0 1 0 1 1\n"),
        ("numbers that are none", b"names: [x]\n", b"zero one two three four five six\n" * 50),
        ("class of 10^9", b"names: [x]\n", b"1000000000 0.1 0.1 0.9 0.1 0.9 0.9\n"),
        ("NaN", b"names: [x]\n", b"0 nan nan inf inf -inf 5\n"),
    ):
        files = {"images/a.jpg": encoded("JPEG"), "images/b.jpg": encoded("JPEG"), "data.yaml": yaml,
                 "labels/a.txt": labels, "labels/b.txt": labels}  # fmt: skip
        yield Case("data", f"YOLO: {what}", "yolo.zip", archives.zipped(files).getvalue())
    for seed in range(4):
        table = flipped(b"PAR1" + bytes(range(256)) * 8 + b"PAR1", seed, 0.05)
        yield Case(
            "data", f"table, seed {seed}", "table.zip", archives.zipped({"data/a.parquet": table}).getvalue()
        )
