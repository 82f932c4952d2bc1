"""Every hostile upload is answered by one sentence or by a result, in bounded time and memory, and leaves
nothing behind: neither a file outside its place, nor half a data set or model, nor a process."""

import io
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.data import painting
from core.data.importing.copying import Imported, import_data
from core.data.photos import photo_size, read_photo
from core.errors import UserError
from core.models import importing
from core.system.formatting import plain
from core.system.workspace import SHIPPED_MODELS
from tests.hostile.case import Case
from tests.hostile.cases import cases
from tests.hostile.photos import photos

SECONDS = 20.0  # of processor time for the slowest; a busy machine does not change it
SHOWN_SIDE = 1200
ALL = list(cases())


def treat(case: Case, number: int) -> str:
    """As the pages do. Returns "taken" or "refused"; any other error is the test's."""
    try:
        if case.kind == "photo":
            photo = read_photo(case.content, case.file, max_side=SHOWN_SIDE)
            assert photo.dtype == np.uint8 and photo.ndim == 3 and max(photo.shape[:2]) <= SHOWN_SIDE
            assert min(photo_size(case.content, case.file)) >= 1
            painting.start(f"p{number}", [(case.file, case.content)])
        elif case.kind == "data":
            stream = io.BytesIO(case.content)
            stream.name = case.file
            steps = list(import_data(stream, f"d{number}"))
            assert isinstance(steps[-1], Imported)
        else:
            importing.import_zip(io.BytesIO(case.content), f"m{number}")
    except UserError as error:
        sentence = str(error)
        assert 10 < len(sentence) < 1000 + len(case.file) and "Traceback" not in sentence, sentence
        assert "\0" not in plain(sentence)
        return "refused"
    return "taken"


def leavings(number: int) -> set[str]:
    """What a data set or model of this case is called, whole or half made."""
    names = {f"{letter}{number}" for letter in "pdm"}
    return names | {f".{name}.part" for name in names}


def files_of(*folders: Path) -> set[Path]:
    return {path for folder in folders for path in folder.rglob("*")}


@pytest.mark.parametrize("kind", ["photo", "data", "model"])
def test_every_hostile_upload_is_a_sentence_or_a_result(kind: str, workspace: Path, tmp_path: Path) -> None:
    process, seen = psutil.Process(), Counter[str]()
    outside = [Path.home(), workspace.parent.parent]
    before = {path for folder in outside for path in folder.iterdir()}
    read_photo(photos()["a.heic"], "a.heic")  # libraries that are loaded once do not count
    importing.import_folder(SHIPPED_MODELS / "person-lite0", "good")
    failed = []
    memory, threads, children = process.memory_info().rss, process.num_threads(), process.children()
    for number, case in enumerate(ALL):
        if case.kind != kind:
            continue
        started = process.cpu_times()
        try:
            outcome = treat(case, number)
        except Exception as error:
            failed.append(f"{case.file[:40]!r}, {case.name}: {type(error).__name__}: {str(error)[:300]}")
            continue
        spent = process.cpu_times()
        took = spent.user + spent.system - started.user - started.system
        assert took < SECONDS, f"{case.file!r}, {case.name}: {took:.0f} s"
        seen[outcome] += 1
        if outcome == "refused":
            left = {p.name for p in files_of(workspace)} & leavings(number)
            assert not left, f"{case.file!r}, {case.name} left {left}"
    assert not failed, "\n".join(failed)
    grown = process.memory_info().rss - memory
    assert grown < 500e6, f"{grown / 1e6:.0f} MB stayed in memory"
    assert process.num_threads() < threads + 20 and set(process.children()) <= set(children)
    new = {path for folder in outside for path in folder.iterdir()} - before
    assert not {p for p in new if p.parent == Path.home()}, new
    assert not Path("/tmp/owned").exists() and not Path("/tmp/segmentation_studio_was_here").exists()
    assert seen["refused"] > 20, seen


def test_the_corpus_is_large_and_all_its_kinds_are_there() -> None:
    count = Counter(case.kind for case in ALL)
    assert len(ALL) >= 300 and min(count.values()) >= 60, count


def test_a_good_photo_of_each_form_is_taken() -> None:
    for number, (file, content) in enumerate(photos().items()):
        assert treat(Case("photo", "good", file, content), number) == "taken", file


def test_photos_that_take_turns_are_all_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from core.data import photos as module

    running, most = 0, 0
    real = module._decoded

    def counted(picture: object, *more: object) -> object:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.05)
        running -= 1
        return real(picture, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_decoded", counted)
    monkeypatch.setattr(module, "LARGE", 1)
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: read_photo(photos()["a.jpg"], "a.jpg"), range(12)))
    assert len(done) == 12 and most == 2


def test_nothing_that_is_uploaded_is_found_outside_the_workspace(workspace: Path) -> None:
    """The traversal cases again, with a look at every file under the folder above the workspace."""
    above = workspace.parent
    workspace.mkdir()
    before = files_of(above) - files_of(workspace)
    for number, case in enumerate(ALL):
        if "member called" in case.name or "link" in case.name:
            treat(case, number)
    assert files_of(above) - files_of(workspace) == before
    for path in files_of(workspace):
        assert not path.is_symlink() and (path.is_dir() or path.is_file())
        assert path.stat().st_mode & 0o111 == 0 or path.is_dir()
