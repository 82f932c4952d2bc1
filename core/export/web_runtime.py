"""ONNX Runtime Web, which runs models in browsers: its files, their origin, and whether they are here.

Nothing of it is part of the project. `fetch` puts it into the workspace, once; without it browsers load it
from a public CDN. Either way a browser runs only files that match the hashes below.
"""

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.errors import UserError, system_said
from core.policy.permissions import needs
from core.system import workspace
from core.system.atomic import part_folder
from core.system.downloads import require_reachable

VERSION = "1.30.0"
PACKAGE = f"onnxruntime-web@{VERSION}"
CDN = f"https://cdn.jsdelivr.net/npm/{PACKAGE}/dist/"
NPM_SECONDS = 300
LICENCE_FILE = "LICENSE.txt"
LICENCE = Path(__file__).with_name("onnxruntime-web-licence.txt")

Kind = Literal["wasm", "webgpu"]


@dataclass(frozen=True, slots=True)
class RuntimeFile:
    """`integrity` is the file's SHA-384 in the form of HTML's attribute of that name."""

    name: str
    integrity: str


# By what a browser has; the WebGPU build also runs WebAssembly, and is twice as large.
FILES: dict[Kind, dict[str, RuntimeFile]] = {
    "wasm": {
        "script": RuntimeFile(
            "ort.wasm.min.mjs", "sha384-SfFfy/pvthiOsgaw3KX0bV5TfQ6Iq+oY9KutMe4SxIuHH4cl+DCSD4rTsYOoG1tJ"
        ),
        "module": RuntimeFile(
            "ort-wasm-simd-threaded.mjs",
            "sha384-XcXA/MtAf0WpB8e023xQH9CM7RIjiugakT7x99DIwpFf7k56BIFFcAPerIF7FDad",
        ),
        "binary": RuntimeFile(
            "ort-wasm-simd-threaded.wasm",
            "sha384-vjBJ1z7qrhkTyYsNqKeF6c7N+nOJSU94czEo+tvZcu8G75JparGq9kB+kTnEUNVM",
        ),
    },
    "webgpu": {
        "script": RuntimeFile(
            "ort.webgpu.min.mjs", "sha384-FPQBMbud8ICuP0Ii+Gr95KWEX9pKHtUC3lacIp0aPI8WYluKvTsEGQ3AE2Ze3QlL"
        ),
        "module": RuntimeFile(
            "ort-wasm-simd-threaded.asyncify.mjs",
            "sha384-qViEcCGzsR/m8nlQwIsbYh7afN4thuraqFYDQY6huvmoLVoZq/eYawQ1wrv8nnhA",
        ),
        "binary": RuntimeFile(
            "ort-wasm-simd-threaded.asyncify.wasm",
            "sha384-EPVDLTxuO663dkZO/pcKJF6vOyyfq/5z9FY1oksN0UWFX2ABH4wDDZQHeNoUleWR",
        ),
    },
}


def runtime_folder() -> Path:
    """Where the runtime is kept, which may not exist."""
    return workspace.root() / "web-runtime" / VERSION


def is_here() -> bool:
    """Whether `fetch` has been here."""
    return (runtime_folder() / LICENCE_FILE).is_file()


def addresses(base: str) -> dict[str, dict[str, dict[str, str]]]:
    """The files by kind and role, each with the `url` below `base` and its `integrity`, for model.json."""
    return {
        kind: {role: {"url": base + file.name, "integrity": file.integrity} for role, file in files.items()}
        for kind, files in FILES.items()
    }


@needs("machine")
def fetch() -> Iterator[str]:
    """Put the runtime into the workspace, with npm where it is installed, else from the CDN. Yields a
    sentence for each step. Raises UserError if neither has it, or a file is not the expected one."""
    workspace.make_folder(runtime_folder().parent)
    npm = shutil.which("npm")
    with part_folder(runtime_folder()) as folder:
        if npm:
            yield f"Downloading {PACKAGE} with npm."
            _with_npm(npm, folder)
        else:
            require_reachable(CDN, "The CDN of ONNX Runtime Web", "install npm and set its registry")
            for file in _all_files():
                yield f"Downloading {file.name}."
                _keep(folder, file, _downloaded(file))
        shutil.copyfile(LICENCE, folder / LICENCE_FILE)
        shutil.rmtree(runtime_folder(), ignore_errors=True)
        folder.rename(runtime_folder())


def copy_runtime(folder: Path, copied: Callable[[Path, Path], object] = shutil.copyfile) -> None:
    """Copy the runtime that is here into a new folder."""
    folder.mkdir(parents=True)
    for name in (*(file.name for file in _all_files()), LICENCE_FILE):
        copied(runtime_folder() / name, folder / name)


def _all_files() -> list[RuntimeFile]:
    return [file for files in FILES.values() for file in files.values()]


def _with_npm(npm: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        try:
            subprocess.run(
                [npm, "pack", PACKAGE, "--silent", "--ignore-scripts"],
                cwd=place, check=True, capture_output=True, timeout=NPM_SECONDS, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            (packed,) = Path(place).glob("*.tgz")
            with tarfile.open(packed) as archive:
                for file in _all_files():
                    content = archive.extractfile(f"package/dist/{file.name}")
                    _keep(folder, file, content.read() if content else b"")
        except (OSError, subprocess.SubprocessError, tarfile.TarError, KeyError, ValueError) as error:
            raise UserError(
                f"npm could not download {PACKAGE}: check the network and npm's registry, then try again."
            ) from error


def _downloaded(file: RuntimeFile) -> bytes:
    try:
        with urllib.request.urlopen(CDN + file.name, timeout=60) as answer:
            return bytes(answer.read())
    except OSError as error:
        raise UserError(
            f"{file.name} could not be downloaded from {CDN}: {system_said(error)}. Try again."
        ) from error


def _keep(folder: Path, file: RuntimeFile, content: bytes) -> None:
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    if f"sha384-{digest}" != file.integrity:
        raise UserError(f"{file.name} of {PACKAGE} is not the file that it should be: it is not used.")
    (folder / file.name).write_bytes(content)
