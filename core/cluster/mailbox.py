"""What a training on a node sends home while it trains, and the answer that it gets: whether to stop."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.runs import events
from core.runs.events import Event, Finished, Preview
from core.runs.run_folder import STATE_FILE

POST_SECONDS = 0.5  # between two posts, unless something was saved
STATE_SECONDS = 10.0  # between two states and last models, which are large: an epoch may take less


@dataclass(frozen=True, slots=True)
class Packet:
    """`lines` are events as events.jsonl has them; `files` of the run's folder, whole, were written before
    them. `resumed_after` is the epoch that a resumed training goes on from. `error` is why it cannot."""

    lines: tuple[str, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    resumed_after: int | None = None
    error: str = ""


class Mailbox:
    """An actor beside the process that keeps the run."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.stopping = False

    def post(self, packet: Packet) -> bool:
        """Returns whether to stop."""
        self.packets.append(packet)
        return self.stopping

    def is_empty(self) -> bool:
        """Whether all has been taken."""
        return not self.packets

    def take(self) -> list[Packet]:
        """What has come since the last call."""
        taken, self.packets = self.packets, []
        return taken

    def stop(self) -> None:
        self.stopping = True


class Sender:
    """Sends events home with the files of `folder` that have changed since. `post` returns whether to stop.
    `rename` is what JSON and Markdown files call the data set here, and at home. The state and the last model
    follow at most every ten seconds, and at the end."""

    def __init__(self, folder: Path, post: Callable[[Packet], bool], rename: tuple[str, str]) -> None:
        self.folder, self.post, self.rename = folder, post, rename
        self.stopping = False
        self._lines: list[str] = []
        self._sent: dict[str, tuple[int, int]] = {}
        self._sent.update(self._changed())
        self._last = self._last_state = 0.0

    def __call__(self, event: Event) -> None:
        self._lines.append(events.to_line(event))
        if isinstance(event, Preview | Finished) or self._is_due():
            self.send(is_last=isinstance(event, Finished))

    def should_stop(self) -> bool:
        """Between two steps."""
        if self._is_due():
            self.send()
        return self.stopping

    def send(self, is_last: bool = False, resumed_after: int | None = None) -> None:
        changed = dict(self._changed())
        if is_last or (STATE_FILE in changed and time.monotonic() - self._last_state > STATE_SECONDS):
            self._last_state = time.monotonic()
        else:
            changed = {n: now for n, now in changed.items() if not n.startswith((STATE_FILE, "last/"))}
        files = {name: self._content(name) for name in changed}
        self.stopping = self.post(Packet(tuple(self._lines), files, resumed_after)) or self.stopping
        self._sent.update(changed)
        self._lines.clear()
        self._last = time.monotonic()

    def _is_due(self) -> bool:
        return time.monotonic() - self._last > POST_SECONDS

    def _changed(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """Files that are not as they were sent, by their paths in the folder."""
        for path in sorted(p for p in self.folder.rglob("*") if p.is_file()):
            found = path.stat()
            now, name = (found.st_mtime_ns, found.st_size), str(path.relative_to(self.folder))
            if self._sent.get(name) != now:
                yield name, now

    def _content(self, name: str) -> bytes:
        content = (self.folder / name).read_bytes()
        if name.endswith((".json", ".md")):
            content = content.replace(self.rename[0].encode(), self.rename[1].encode())
        return content
