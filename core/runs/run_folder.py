"""A run is a folder. Its worker writes there, everyone else reads, and the folder is the only record.

config.json    the TrainConfig
plan.json      of preset Auto: each choice with its reason, and what was measured of the data
provenance.json versions, revision, data and hardware
name.txt       the name that a person has given it since
status.json    state, process, message; the worker's alone while it lives
launched.json  the process, written by whoever started it
events.jsonl   one event per line
log.txt        the worker's own output
previews/      small pictures for each epoch
best/ last/    models
state.safetensors   the state from which the run resumes
metrics.csv, tensorboard/   the scores for other tools
"""

import datetime
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from core.config import TrainConfig
from core.errors import UserError
from core.policy.ownership import is_own
from core.policy.permissions import allowed, require
from core.runs import events
from core.runs.events import Event, Finished
from core.runs.status import LIVE, Status, is_alive, process_start
from core.system import workspace
from core.system.workspace import make_folder, read_json, safe_name, write_atomically, write_json

STATE_FILE = "state.safetensors"
STATUS_FILE, LAUNCHED_FILE = "status.json", "launched.json"
NAME_FILE, DATA_FILE, PLAN_FILE = "name.txt", "dataset.json", "plan.json"
MAX_NAME = 80
KEPT_RATE_FINDERS = 24 * 3600  # seconds that the result of a learning-rate finder is kept


@dataclass(frozen=True, slots=True)
class Run:
    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def config(self) -> TrainConfig:
        return TrainConfig.from_dict(read_json(self.folder / "config.json"))

    @property
    def plan(self) -> dict[str, Any]:
        """What plan.json says; empty where the settings were not planned."""
        try:
            return read_json(self.folder / PLAN_FILE)
        except UserError:
            return {}

    @property
    def best(self) -> Path:
        return self.folder / "best"

    @property
    def events_file(self) -> Path:
        return self.folder / "events.jsonl"

    @property
    def stop_file(self) -> Path:
        return self.folder / "stop"

    @property
    def is_open(self) -> bool:
        """Whether the visitor may see its log, settings and hardware, which name folders of the machine.
        Whoever started the run may."""
        return allowed("machine") or is_own(self.folder)

    @property
    def log(self) -> str:
        """The last 20,000 characters of the worker's output. Raises UserError unless `is_open`."""
        self._require_open()
        return self._printed()

    def _require_open(self) -> None:
        if not self.is_open:
            require("machine")

    def _printed(self) -> str:
        try:
            return (self.folder / "log.txt").read_text("utf-8", "replace")[-20_000:]
        except OSError:
            return ""

    def status(self) -> Status:
        """The current status: a worker that is gone without a final status has "died"."""
        try:
            values = read_json(self.folder / STATUS_FILE)
            status = Status(**{k: v for k, v in values.items() if k in Status.__dataclass_fields__})
            status = replace(status, devices=tuple(map(str, status.devices)))
        except (UserError, TypeError):
            return Status("failed", f"{STATUS_FILE} of this run cannot be read.")
        if not status.process:  # the worker has not written it yet
            status = replace(status, **self._launched())
        if status.state in LIVE and not is_alive(status):
            return replace(status, state="died", message=_how_it_died(self))
        return status

    def set_status(
        self, state: str, message: str = "", process: int | None = None, devices: tuple[str, ...] = ()
    ) -> None:
        """Write the status; the process stays as it was unless given."""
        old = read_json(self.folder / STATUS_FILE) if (self.folder / STATUS_FILE).exists() else {}
        number = old.get("process", 0) if process is None else process
        started = old.get("process_started", 0.0) if process is None else process_start(process)
        status = Status(state, message, number, started, time.time(), devices)
        try:
            write_json(self.folder / STATUS_FILE, asdict(status))
        except UserError:
            if state in LIVE or not old:
                raise
            _write_over(self.folder / STATUS_FILE, asdict(status))

    def set_launched(self, process: int) -> None:
        """Write which process is the worker to a file of its own: a quick worker may have written its final
        status already, which "starting" must not replace."""
        write_json(
            self.folder / LAUNCHED_FILE,
            {"process": process, "process_started": process_start(process)},
        )

    def _launched(self) -> dict[str, Any]:
        try:
            launched = read_json(self.folder / LAUNCHED_FILE)
            return {
                "process": int(launched["process"]),
                "process_started": float(launched["process_started"]),
            }
        except (UserError, KeyError, TypeError, ValueError):
            return {}

    @property
    def given_name(self) -> str:
        """What a person has called it since it was started; "" where nobody has."""
        try:
            return (self.folder / NAME_FILE).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    @property
    def name(self) -> str:
        """What a person has called it; "" where nobody has."""
        return self.given_name or self.config.name

    @property
    def title(self) -> str:
        """Its name, or its data set and preset."""
        config = self.config
        title = self.name or f"{self.data_name}, {config.preset or config.architecture}"
        return f"learning rate for {title}" if self.is_rate_finder else title

    @property
    def data_name(self) -> str:
        """What its data set is called."""
        try:
            return str(read_json(self.folder / DATA_FILE).get("name") or "") or Path(self.config.data).name
        except UserError:  # not written yet
            return Path(self.config.data).name

    @property
    def created(self) -> datetime.datetime:
        """When it was made, local time."""
        return datetime.datetime.fromtimestamp((self.folder / "config.json").stat().st_mtime)

    def set_name(self, name: str) -> str:
        """Give it a name; returns it without needless spaces. Raises UserError for an empty or a long one."""
        name = " ".join(name.split())
        if not 0 < len(name) <= MAX_NAME:
            raise UserError(f"A run's name has 1 to {MAX_NAME} characters.")
        write_atomically(self.folder / NAME_FILE, name)
        return name

    @property
    def is_rate_finder(self) -> bool:
        """Whether it is a learning-rate finder, which makes no model."""
        return self.folder.parent == _rate_finders()

    @property
    def can_resume(self) -> bool:
        """Whether the training ended early and left a state to resume from."""
        ended_early = self.status().state in ("stopped", "failed", "died")
        return ended_early and (self.folder / STATE_FILE).is_file()

    def append(self, event: Event) -> None:
        with open(self.events_file, "a", encoding="utf-8") as file:
            file.write(events.to_line(event) + "\n")

    @property
    def provenance(self) -> dict[str, Any]:
        """Versions, revision, data and hardware; empty before they are written. Raises UserError unless
        `is_open`."""
        self._require_open()
        try:
            return read_json(self.folder / "provenance.json")
        except UserError:
            return {}

    def make_ready_to_resume(self) -> None:
        """Raises UserError when there is nothing to resume from."""
        if not self.can_resume:
            raise UserError(
                f"{self.folder.name} cannot be resumed: it is training, has finished, or ended too early."
            )
        self.make_ready_to_start()

    def make_ready_to_start(self) -> None:
        """Forget that it was stopped, and which process was its worker."""
        self.stop_file.unlink(missing_ok=True)
        (self.folder / LAUNCHED_FILE).unlink(missing_ok=True)
        self.set_status("starting", "Starting the worker.", process=0)

    def forget_after(self, epoch: int) -> None:
        """Drop the events of an incomplete epoch and of the end before the run is resumed."""
        try:
            lines = self.events_file.read_text("utf-8", "replace").splitlines()
        except OSError:
            return
        kept = [
            event
            for event in events.from_lines(lines)
            if not isinstance(event, Finished) and getattr(event, "epoch", 0) <= epoch
        ]
        write_atomically(self.events_file, "".join(events.to_line(e) + "\n" for e in kept))


def create(config: TrainConfig, folder: Path | None = None, plan: Mapping[str, Any] | None = None) -> Run:
    """A new run's folder, with the `plan` of its settings where there is one. Raises UserError when `folder`
    is in use already."""
    if folder is None:
        folder = _unused(workspace.runs(), config)
    make_folder(folder)
    if any(folder.iterdir()):
        raise UserError(f"{folder} is not empty: name a new folder for this run.")
    run = Run(folder.resolve())
    try:
        if plan:
            write_json(run.folder / PLAN_FILE, plan)
        write_json(run.folder / "config.json", config.to_dict())
        run.set_status("starting", "Starting the worker.", process=0)
    except UserError:
        shutil.rmtree(run.folder, ignore_errors=True)
        raise
    return run


def create_rate_finder(config: TrainConfig) -> Run:
    """A folder for a learning-rate finder. Those that ended a day ago are deleted."""
    for old in list_rate_finders():
        status = old.status()
        if status.state not in LIVE and time.time() - status.changed > KEPT_RATE_FINDERS:
            shutil.rmtree(old.folder, ignore_errors=True)
    return create(config, _unused(_rate_finders(), config))


def list_runs() -> list[Run]:
    """All trainings of the workspace, newest first."""
    return _runs_in(workspace.runs())


def list_rate_finders() -> list[Run]:
    """The learning-rate finders that are kept, newest first."""
    return _runs_in(_rate_finders()) if _rate_finders().is_dir() else []


def create_search(config: TrainConfig) -> Run:
    """A folder for a search over settings, which begins with these; see core.search."""
    return create(config, _unused(workspace.searches(), config))


def list_searches() -> list[Run]:
    """The searches over settings, newest first. Their trials are runs like any other."""
    return _runs_in(workspace.searches())


def _runs_in(parent: Path) -> list[Run]:
    folders = [p for p in parent.iterdir() if (p / "config.json").is_file()]
    return [Run(p) for p in sorted(folders, key=lambda p: p.name, reverse=True)]


def _rate_finders() -> Path:
    return workspace.cache().resolve() / "sweeps"


def _unused(parent: Path, config: TrainConfig) -> Path:
    """The name of a new folder, which sorts after those of older runs."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    stem = safe_name(f"{stamp}-{config.name or Path(config.data).name}", "run name")
    numbered = (parent / f"{stem}-{number}" for number in range(2, 100))
    return next((folder for folder in (parent / stem, *numbered) if not folder.exists()), parent / stem)


def find(run_id: str) -> Run | None:
    folder = workspace.runs() / Path(run_id).name
    return Run(folder) if (folder / "config.json").is_file() else None


def _write_over(path: Path, value: dict[str, Any]) -> None:
    """Write a final status on a full disk, where no second file fits beside the first: into the first itself,
    which has its place already. Raises OSError where even that fails."""
    with open(path, "r+b") as file:
        file.write(json.dumps(value, ensure_ascii=False).encode())
        file.truncate()


def _how_it_died(run: Run) -> str:
    log = run._printed()
    if "Fatal Python error" in log:
        line = next(x for x in log.splitlines() if "Fatal Python error" in x)
        return f"The worker crashed in native code ({line.split(':', 1)[1].strip()}); see the log."
    tail = [line for line in log.splitlines() if line.strip()]
    if any(line.startswith("Traceback") for line in tail):
        return f"The worker failed: {tail[-1][:200]}"
    return (
        "The worker ended without a message: it was killed, or the computer ran out of memory or was "
        "restarted. What it had saved is kept."
    )
