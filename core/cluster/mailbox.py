"""What a training on a node sends home while it trains, and the answer that it gets: whether to stop."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.runs import events
from core.runs.events import Event, Finished, Preview

POST_SECONDS = 0.5  # between two posts, unless something was saved


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

    def take(self) -> list[Packet]:
        """What has come since the last call."""
        taken, self.packets = self.packets, []
        return taken

    def stop(self) -> None:
        self.stopping = True


class Sender:
    """Sends events home with the files of `folder` that have changed since. `post` returns whether to stop.
    `rename` is what JSON and Markdown files call the data set here, and at home."""

    def __init__(self, folder: Path, post: Callable[[Packet], bool], rename: tuple[str, str]) -> None:
        self.folder, self.post, self.rename = folder, post, rename
        self.stopping = False
        self._lines: list[str] = []
        self._sent: dict[str, tuple[int, int]] = dict(self._changed({}))
        self._last = 0.0

    def __call__(self, event: Event) -> None:
        self._lines.append(events.to_line(event))
        if isinstance(event, Preview | Finished) or self._is_due():
            self.send()

    def should_stop(self) -> bool:
        """Between two steps."""
        if self._is_due():
            self.send()
        return self.stopping

    def send(self, **more: Any) -> None:
        changed = dict(self._changed(self._sent))
        packet = Packet(tuple(self._lines), {name: self._content(name) for name in changed}, **more)
        self._sent.update(changed)
        self._lines.clear()
        self.stopping = self.post(packet) or self.stopping
        self._last = time.monotonic()

    def _is_due(self) -> bool:
        return time.monotonic() - self._last > POST_SECONDS

    def _changed(self, before: dict[str, tuple[int, int]]) -> Iterator[tuple[str, tuple[int, int]]]:
        """Files that are not as they were, by their paths in the folder."""
        for path in sorted(p for p in self.folder.rglob("*") if p.is_file()):
            found = path.stat()
            now, name = (found.st_mtime_ns, found.st_size), str(path.relative_to(self.folder))
            if before.get(name) != now:
                yield name, now

    def _content(self, name: str) -> bytes:
        content = (self.folder / name).read_bytes()
        if name.endswith((".json", ".md")):
            content = content.replace(self.rename[0].encode(), self.rename[1].encode())
        return content
