"""Coverage-guided fuzzing of what reads uploads: photos, data sets, models.

    python tests/fuzz.py photo|data|model --seconds 600 [--keep FOLDER] [--runs 1000]

An input is a file as it is uploaded; for data sets and models also the text inside a sound archive, so
that the fuzzer need not learn what a checksum is. Whatever is not an answer or a UserError, and whatever
is left behind after one, ends the run with the input in `crash-…`. Needs atheris (Linux, Python < 3.14).
"""

import argparse
import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

with atheris.instrument_imports(include=["core", "PIL", "zipfile", "pycocotools"]):
    from core.data.importing.copying import Imported, import_data
    from core.data.photos import photo_size, read_photo
    from core.errors import UserError
    from core.models import importing
    from core.system import workspace

from tests.core import archives
from tests.hostile.cases import cases
from tests.hostile.models import CONFIG, tensor, weights
from tests.hostile.photos import photos

SHOWN_SIDE = 600
LARGEST = 200_000  # bytes of an input
TEXTS = (".json", ".txt", ".xml", ".yaml", ".csv")

Templates = list[tuple[dict[str, bytes], str]]


def try_photo(content: bytes) -> None:
    with contextlib.suppress(UserError):
        read_photo(content, "photo.jpg", max_side=SHOWN_SIDE)
        photo_size(content, "photo.jpg")


def try_data(content: bytes, templates: Templates) -> None:
    stream = io.BytesIO(archive(content, templates))
    stream.name = "upload.zip"  # type: ignore[misc]
    try:
        assert isinstance(list(import_data(stream, "fuzzed"))[-1], Imported)
    except UserError:
        left = [p.name for p in workspace.datasets().iterdir()]
        assert not left, f"left behind: {left}"
    shutil.rmtree(workspace.datasets())


def try_model(content: bytes, templates: Templates) -> None:
    try:
        importing.import_zip(io.BytesIO(archive(content, templates)), "fuzzed")
    except UserError:
        left = [p.name for p in workspace.models().iterdir()]
        assert not left, f"left behind: {left}"
    shutil.rmtree(workspace.models())


def archive(content: bytes, templates: Templates) -> bytes:
    """The first byte says which text of which archive the rest takes the place of; else it is a file."""
    if not content or content[0] >= len(templates):
        return content
    files, name = templates[content[0]]
    return archives.zipped({**files, name: content[1:]}).getvalue()


def data_templates() -> Templates:
    found: Templates = []
    for files, _ in archives.layouts(2).values():
        found += [(files, name) for name in files if name.endswith(TEXTS)][:2]
    return found


def model_templates() -> Templates:
    files = {"m/config.json": b"{}", "m/model.safetensors": weights(tensor())}
    files |= {"m/studio.json": b"{}"}
    return [(files, name) for name in files]


def seeds(kind: str, templates: Templates) -> Iterator[bytes]:
    yield from (case.content for case in cases() if case.kind == kind)
    if kind == "photo":
        yield from photos().values()
    for number, (files, name) in enumerate(templates):
        yield bytes([number]) + files[name]
    if kind == "model":
        yield b"\0" + json.dumps(CONFIG).encode()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=["photo", "data", "model"])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, help="end after so many inputs, the same ones each time")
    parser.add_argument("--keep", type=Path, help="folder of inputs that reached something new")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEGMENTATION_STUDIO_WORKSPACE"] = str(Path(folder) / "workspace")
        templates = {"photo": list, "data": data_templates, "model": model_templates}[args.kind]()
        kept = args.keep or Path(folder) / "corpus"
        kept.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(seeds(args.kind, templates)):
            if len(content) <= LARGEST:
                (kept / f"seed-{number:04d}").write_bytes(content)
        tries: dict[str, Callable[[bytes], None]] = {
            "photo": try_photo,
            "data": lambda content: try_data(content, templates),
            "model": lambda content: try_model(content, templates),
        }
        options = [
            f"-max_total_time={args.seconds}",
            *([f"-runs={args.runs}", "-seed=1"] if args.runs else []),
            f"-max_len={LARGEST}",
            f"-artifact_prefix={Path.cwd()}/",
            "-timeout=60",
            "-rss_limit_mb=6000",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(kept)], tries[args.kind])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
