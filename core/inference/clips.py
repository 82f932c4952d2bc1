"""Reading short videos and GIFs: length, size and frames, and a copy for as long as it is processed."""

import contextlib
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.policy.policy import current_policy
from core.policy.rate_limit import check_pixels, photos_in
from core.system import scratch
from core.system.workspace import write_atomically

Picture = NDArray[np.uint8]
Source = Path | bytes

SUFFIXES = (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".gif")
MAX_SECONDS, MAX_SIDE = 120, 1920  # MAX_SIDE: larger frames are shrunk to this many pixels
MAX_RATE = 120  # frames a second: more are counted as a longer clip
MAX_START = 7 * 24 * 3600.0  # seconds; the latest time of a first frame
MAX_PIXELS = 8192 * 8192  # of a frame
# Containers are recognised by their first bytes: left to guess, FFmpeg would also open playlists, which
# name other files and addresses. mov includes MP4, matroska includes WebM.
QUICKTIME = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
HEAD = 12  # bytes needed to recognise a container


@dataclass(frozen=True, slots=True)
class Clip:
    """A video: its size in pixels after rotation, frames a second, length in seconds, number of frames."""

    width: int
    height: int
    rate: float
    seconds: float
    frames: int


class Moment(NamedTuple):
    """When a frame is shown and for how long, in seconds. The frame rate may vary within a clip."""

    start: float
    lasts: float


def read_clip(source: Source, name: str = "") -> Clip:
    """Read all packets of a video but decode only its first frame. `source` is its file or its bytes.
    Raises UserError if it is not a video or too long."""
    label = _label(source, name)
    with opened(source, label) as container:
        seconds, count = _measured(container, video_of(container, label), label)
    with opened(source, label) as container:
        stream = video_of(container, label)
        first = next(frames(container, stream, label), None)
        if first is None:
            raise _empty(label)
        rate = float(stream.average_rate or (count / seconds if seconds else 25))
        return Clip(first.shape[1], first.shape[0], min(rate, float(MAX_RATE)), seconds, count)


def first_frame(source: Source, name: str = "") -> Picture:
    """RGB uint8 (h, w, 3). Raises UserError like `read_clip`."""
    label = _label(source, name)
    with opened(source, label) as container:
        for frame in frames(container, video_of(container, label), label):
            return frame
    raise _empty(label)


def keep_clip(content: bytes, name: str, owner: str) -> tuple[Path, Clip, Picture]:
    """Save a video; returns its file, its properties and its first frame. `owner` keeps the videos of
    visitors apart.

    Raises UserError, and writes nothing, if it cannot be used.
    """
    clip = read_clip(content, name)
    check_pixels(clip.width * clip.height, name)
    frame = first_frame(content, name)
    digest = hashlib.sha256(owner.encode() + content).hexdigest()[:32]
    path = scratch.folder("videos") / f"{digest}{Path(name).suffix.lower()}"
    if not path.is_file():
        scratch.make_room("videos", len(content))
        write_atomically(path, content)
    return path, clip, frame


def clip_cost(clip: Clip, passes: int = 1) -> int:
    """How many photos of a visitor's quota a video counts as: each frame at the size at which it is
    predicted, for each forward pass, and an eighth of its own size for decoding."""
    pixels = clip.width * clip.height
    worked_on = pixels * min(1.0, MAX_SIDE / max(clip.width, clip.height)) ** 2
    return photos_in(clip.frames * (worked_on * passes + pixels / 8))


@contextlib.contextmanager
def opened(source: Source, label: str) -> Iterator[Any]:
    """Open a container of a supported format. Raises UserError for anything else."""
    import av

    kind = container_kind(source)
    if kind is None:
        raise _unreadable(label)
    options = {"protocol_whitelist": "file", "format_whitelist": kind}
    file = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    try:
        with av.open(file, format=kind.split(",")[0], container_options=options) as container:
            yield container
    except av.error.FFmpegError as error:
        if isinstance(error, OSError) and error.errno == 28:
            raise
        raise _unreadable(label) from error


def container_kind(source: Source) -> str | None:
    """FFmpeg's name for the format of a container; None if it is not supported."""
    if isinstance(source, bytes):
        head = source[:HEAD]
    else:
        try:
            with open(source, "rb") as file:
                head = file.read(HEAD)
        except OSError:
            return None
    if head[4:8] in QUICKTIME:
        return "mov,mp4,m4a,3gp,3g2,mj2"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska,webm"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    return "gif" if head[:6] in (b"GIF87a", b"GIF89a") else None


def video_of(container: Any, label: str) -> Any:
    """The first video stream. Raises UserError if there is none, or its frames are too large."""
    if not container.streams.video:
        raise UserError(f"{label} has no video stream: choose a video or a GIF.")
    stream = container.streams.video[0]
    if not 0 < stream.width * stream.height <= MAX_PIXELS:
        raise UserError(f"The frames of {label} are {stream.width} x {stream.height} px: make them smaller.")
    stream.thread_type = "AUTO"
    return stream


def frames(container: Any, stream: Any, label: str) -> Iterator[Picture]:
    """`timed_frames` without the times."""
    return (picture for _, picture in timed_frames(container, stream, label))


def timed_frames(container: Any, stream: Any, label: str) -> Iterator[tuple[Moment, Picture]]:
    """Each frame with its time, rotated upright as the metadata of phones say.

    Raises UserError once the allowed length is passed, whatever length the file claims.
    """
    first: float | None = None
    start, lasts = 0.0, 1 / float(stream.average_rate or 25)
    for number, frame in enumerate(container.decode(stream), 1):
        start = frame.time if frame.time is not None else start + lasts
        if abs(start) > MAX_START:
            raise _unreadable(label)
        first = start if first is None else first
        _check_length(max(start - first, number / MAX_RATE), label)
        lasts = min(float(frame.duration * frame.time_base), MAX_SECONDS) if frame.duration else lasts
        picture = frame.to_ndarray(format="rgb24")
        turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
        yield Moment(start, lasts), np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture


def _measured(container: Any, stream: Any, label: str) -> tuple[float, int]:
    """Seconds and frames, counted from all packets, as headers may be wrong."""
    first, last, count = None, 0.0, 0
    for packet in container.demux(stream):
        if not packet.size:
            continue
        count += 1
        if packet.pts is not None:
            start = float(packet.pts * packet.time_base)
            first = start if first is None else min(first, start)
            last = max(last, start + float((packet.duration or 0) * packet.time_base))
        _check_length(max(last - (first or 0.0), count / MAX_RATE), label)
    return max(last - (first or 0.0), count / MAX_RATE), count


def _check_length(seconds: float, label: str) -> None:
    most = min(MAX_SECONDS, current_policy().video_seconds or MAX_SECONDS)
    if seconds > most + 0.5:  # a clip that was cut to ten seconds has a frame or two more
        raise UserError(f"{label} is longer than {most} s: cut it to {most} s or less.")


def _label(source: Source, name: str) -> str:
    return name or (source.name if isinstance(source, Path) else "The video")


def _unreadable(label: str) -> UserError:
    return UserError(f"{label} cannot be read as a video: record or export it again as MP4, WebM or GIF.")


def _empty(label: str) -> UserError:
    return UserError(f"{label} has no frames: record or export it again.")
