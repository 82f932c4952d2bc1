"""The training process: waits for its device, trains, and always leaves a correct status.

torch is imported after the thread that watches for a stop has started, so that a worker can be stopped while
it is still loading.
"""

import contextlib
import math
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from core.config import TrainConfig
from core.errors import UserError, is_of_the_system, system_said
from core.models.card import is_model
from core.policy.policy import current_policy
from core.runs import jobs
from core.runs.events import Event, Finished, Note
from core.runs.jobs import POLITE
from core.runs.run_folder import STATE_FILE, Run
from core.runs.status import LIVE
from core.system import workspace

NICENESS = 10
POLL_SECONDS = 0.1
LEAVE_SECONDS = 20.0  # torchrun waits 30
FIRST_SECONDS = 10.0  # in which the first process says why it does not train, before the others do
GRACE_SECONDS = 2.0  # a step may be longer than anyone waits; then the process ends between writes

Report = Callable[[Event], None]


class Stop(threading.Event):
    """A request to end a training, and its reason."""

    why = "Stopped by request."

    def __init__(self) -> None:
        super().__init__()
        self.last_word = threading.Lock()  # held to write the final status; nothing follows it


def work(run: Run, report: Report = lambda event: None, since: float | None = None) -> str:
    """Train the run of this folder in this process. Returns the final state.

    Every event is appended to the run's events and passed to `report`. `since` is the time.monotonic() from
    which the minutes of the settings count, by default now; waiting for the device does not count. Raises
    UserError when the training cannot continue, and writes it to the status first.
    """
    begun = time.monotonic() if since is None else since
    return carry_out(partial(_train, begun), run, report)


def find_rate(run: Run) -> str:
    """Find a learning rate for the run of this folder, in this process. Returns and raises as `work` does."""
    return carry_out(_sweep, run, lambda event: None)


def carry_out(task: Callable[[Run, Stop, Report], str], run: Run, report: Report) -> str:
    """Do a worker's task with the status, the stop and the errors that every worker has. Returns and raises
    as `work` does."""
    if run.status().state == "finished":
        raise UserError("This run has finished: start another from its model with `start_from`.")
    run.set_status("starting", "Loading libraries.", process=os.getpid())
    _let_pages_go_first()
    stopping = Stop()
    watch = threading.Thread(target=_watch_for_stop, args=(run, stopping), daemon=True)
    watch.start()
    _stop_on_signal(stopping)

    def say(event: Event) -> None:
        run.append(event)
        report(event)

    try:
        say(Note("Loading libraries."))
        state = task(run, stopping, say)
        with stopping.last_word:
            run.set_status(state, "" if state == "finished" else stopping.why)
        return state
    except UserError as error:
        with contextlib.suppress(OSError, UserError):  # the disk may be full, or the folder gone
            with stopping.last_word:
                run.set_status("failed", str(error))
            run.append(Note(str(error), "warning"))
        raise
    except Exception as error:
        said = _refused_by_the_system(error)
        if not said:
            with stopping.last_word:
                run.set_status("failed", f"The worker failed: {type(error).__name__}: {error}"[:300])
            raise
        sentence = f"A file cannot be read or written: {said}. {_what_next(run)}"
        with contextlib.suppress(OSError, UserError), stopping.last_word:
            run.set_status("failed", sentence)
        raise UserError(sentence) from error


def _what_next(run: Run) -> str:
    """What is kept and what to do next: resuming needs the state of a whole epoch."""
    if (run.folder / STATE_FILE).is_file():
        return "The models of the last whole epoch are kept: resume the run once the problem is fixed."
    if is_model(run.best):
        return (
            "The best model so far is kept, but the run cannot be resumed: start another once the problem is "
            "fixed."
        )
    return "Nothing was saved yet: start the training again once the problem is fixed."


def _let_pages_go_first() -> None:
    """A training uses the processors that the pages leave idle, because people wait for pages."""
    if os.environ.get(POLITE) == "1":
        with contextlib.suppress(OSError, AttributeError):  # no such thing on Windows
            os.nice(NICENESS)
            # Linux first shares the processors among sessions, whatever the niceness inside them (sched(7)).
            if os.getsid(0) == os.getpid():
                Path("/proc/self/autogroup").write_text(str(NICENESS))


def assist(config: TrainConfig, folder: Path) -> None:
    """Train beside the first process, which reports and writes: same settings, other images. A signal does
    not end it: the first process has it too, and stops all between two steps. After an error it waits for the
    end of the first process, which reports the same one, or is its cause."""
    from core.system.device import part_from_the_others
    from core.training.loop import fit
    from core.training.memory import keep_freed_memory

    keep_freed_memory()
    leaving = Stop()
    _stop_on_signal(leaving)
    threading.Thread(target=_leave_in_time, args=(leaving,), daemon=True).start()
    try:
        for _ in fit(config, folder):
            pass
        part_from_the_others()
    except Exception:
        if not (Run(folder).stop_file.exists() or leaving.wait(FIRST_SECONDS)):
            raise
        os._exit(0)  # the first process has ended: stopped in the middle of a step, or with an error


def _leave_in_time(leaving: Stop) -> None:
    """End this process where the first one does not stop all in time: it is gone."""
    leaving.wait()
    time.sleep(LEAVE_SECONDS)
    os._exit(0)


def _refused_by_the_system(error: Exception) -> str:
    """The system's message where it refused to read or write; "" for every other error.

    The safetensors library has its own error, with the system's message and number in its text.
    """
    if isinstance(error, OSError) and is_of_the_system(error):
        return system_said(error)
    number = re.search(r"\(os error (\d+)\)", str(error))
    if type(error).__name__ == "SafetensorError" and number:
        return system_said(OSError(int(number[1]), os.strerror(int(number[1]))))
    return ""


def _train(begun: float, run: Run, stopping: Stop, say: Report) -> str:
    from core.system.device import pick_device
    from core.training.checkpoint import epoch_of
    from core.training.estimate import Stopwatch
    from core.training.loggers import Listener
    from core.training.loop import fit
    from core.training.memory import keep_freed_memory

    config = run.config
    keep_freed_memory()
    if (run.folder / STATE_FILE).is_file():
        run.forget_after(epoch_of(run.folder))
    listener = Listener(run, lambda sentence: say(Note(sentence, "warning")))
    ready = time.monotonic()
    with _device_turn(run, pick_device(config.device), stopping, say) as has_turn:
        if not has_turn:
            return "stopped"
        run.set_status("running")
        since = begun + time.monotonic() - ready  # without the time in the queue
        stopwatch = Stopwatch(config, since)
        for event in fit(config, run.folder, stopping.is_set, since):
            say(event)
            listener(event)
            stopwatch(event)
            if isinstance(event, Finished):
                return "finished" if event.reason == "done" else "stopped"
    return "finished"


def _sweep(run: Run, stopping: Stop, say: Report) -> str:
    from core.system.device import pick_device
    from core.training.lr_finder import sweep
    from core.training.memory import keep_freed_memory

    keep_freed_memory()
    with _device_turn(run, pick_device(run.config.device), stopping, say) as has_turn:
        if has_turn:
            run.set_status("running")
            for event in sweep(run.config, stopping.is_set):
                say(event)
    return "stopped" if stopping.is_set() else "finished"


@contextlib.contextmanager
def _device_turn(run: Run, device: str, stopping: Stop, say: Report) -> Iterator[bool]:
    """Wait, first come first served, until no other run uses this device. False: stopped."""
    from core.system.device import slots

    needed = slots(device, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    said = False
    while not stopping.is_set():
        if not _older_in_line(run, needed):
            locks = _taken(needed)
            if locks is not None:
                with locks:
                    yield True
                return
        if not said:
            said = True
            busy = " and ".join(needed)
            run.set_status("queued", f"Waiting for the training that runs on {busy} now.", devices=needed)
            say(Note(f"Another training runs on {busy}; this one starts automatically when it ends."))
        time.sleep(POLL_SECONDS)
    yield False


def _taken(slots: Sequence[str]) -> contextlib.ExitStack | None:
    """The locks of all these devices, or of none while another run has one of them."""
    folder = workspace.cache() / "locks"
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as held:
        for slot in slots:
            lock = FileLock(folder / f"{slot.replace(':', '_')}.lock")
            try:
                held.enter_context(lock.acquire(timeout=0))
            except Timeout:
                return None
        return held.pop_all()


def _older_in_line(run: Run, needed: Sequence[str]) -> bool:
    """Whether a run that was made before this one waits for one of the same devices."""
    for other in jobs.active():
        status = other.status()
        if other.id < run.id and status.state == "queued" and set(needed) & set(status.devices):
            return True
    return False


def _watch_for_stop(run: Run, stopping: Stop) -> None:
    """Turn a stop file, or the end of the time that the policy allows, into a stop; end the process when the
    loop does not stop in time."""
    limit, deadline = current_policy().training_minutes * 60, math.inf
    while not (stopping.is_set() or run.stop_file.exists()):
        time.sleep(POLL_SECONDS)
        if limit and deadline == math.inf and run.status().state == "running":
            deadline = time.monotonic() + limit
        if time.monotonic() > deadline:
            stopping.why = f"A training on this server may take {limit // 60} minutes."
            break
    stopping.set()
    time.sleep(GRACE_SECONDS)
    with stopping.last_word:
        if run.status().state in LIVE:
            run.set_status("stopped", f"{stopping.why} It was in the middle of a step.")
            os._exit(0)


def _stop_on_signal(stopping: Stop) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
