"""A short video or GIF with its background replaced, frame by frame, the mask steadied over time."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import UserError, system_said
from core.imaging.guided_filter import enlarge
from core.imaging.matting import Background, Finish, alpha_of, compose
from core.imaging.rendering import display_size
from core.inference.clips import MAX_SIDE, Clip, Picture, frames, opened, read_clip, video_of
from core.inference.test_time_augmentation import Gaze, small_map
from core.system.concurrency import taking_turns
from core.system.workspace import file_to_write

if TYPE_CHECKING:
    from core.inference.predictor import Predictor

Map = NDArray[np.float32]

MAX_FRAMES = 3600
STEADY = 0.35  # weight of a frame's own mask where nothing moves; the rest is the frames' before it
MOVED = 0.06  # change of brightness, 0..1, from which on the past counts for nothing
CODECS = {".mp4": ("libx264", "yuv420p"), ".webm": ("libvpx-vp9", "yuva420p")}
KEPT_AUDIO = {".mp4": ("aac", "mp3"), ".webm": ("opus", "vorbis")}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How every frame is treated. Fields as in core.finishing and core.looking; `steady` joins the mask
    with those of the frames before."""

    threshold: float
    fine: bool = True
    gaze: Gaze = field(default_factory=Gaze)
    finish: Finish = field(default_factory=Finish)
    background: Background = field(default_factory=lambda: Background("Blur"))
    steady: bool = True


def suffix_for(background: Background) -> str:
    """WebM keeps transparency; MP4 plays everywhere."""
    return ".webm" if background.kind == "Transparent" else ".mp4"


def replace_background(source: Path, target: Path, predictor: "Predictor", recipe: Recipe) -> Iterator[int]:
    """Write the video `target`, .mp4 or .webm, yielding the number of frames done after each.

    The sound comes along where the target can hold it as it is. Raises UserError, leaving nothing, for
    what cannot be read, is too long, or does not fit on the disk.
    """
    import av

    clip = read_clip(source)
    making = file_to_write(target).with_name(f".{target.stem}.part{target.suffix}")
    try:
        label = source.name
        with (
            opened(source, label) as container,
            opened(source, label) as heard,
            av.open(str(making), "w") as out,
        ):
            pictures_in = frames(container, video_of(container, label), label)
            sound = _sound_of(heard, target.suffix)
            # A container learns of all its streams before the first packet.
            pictures = _new_stream(out, clip, target.suffix)
            copied = out.add_stream_from_template(sound) if sound else None
            yield from _write(out, pictures, pictures_in, Treated(predictor, recipe))
            if copied:
                _copy(heard, sound, out, copied)
        making.replace(target)
    except OSError as error:
        raise UserError(f"{target.name} cannot be written: {system_said(error)}.") from error
    finally:
        with contextlib.suppress(OSError):
            making.unlink(missing_ok=True)


def _new_stream(out: Any, clip: Clip, suffix: str) -> Any:
    codec, form = CODECS[suffix]
    stream = out.add_stream(codec, rate=Fraction(clip.rate).limit_denominator(1001))
    sample = _even(display_size(np.zeros((clip.height, clip.width, 3), np.uint8), MAX_SIDE))
    stream.height, stream.width = sample.shape[:2]
    stream.pix_fmt = form
    stream.options = {"crf": "18"} if suffix == ".mp4" else {"crf": "30", "b:v": "0", "deadline": "realtime"}
    return stream


def _write(out: Any, stream: Any, frames: Iterator[Picture], treated: "Treated") -> Iterator[int]:
    import av

    for number, frame in enumerate(frames, 1):
        if number > MAX_FRAMES:
            raise UserError(f"The video has more than {MAX_FRAMES} frames: cut it.")
        with taking_turns():
            made = treated(_even(display_size(frame, MAX_SIDE)))
        kind = "rgba" if made.shape[2] == 4 else "rgb24"
        for packet in stream.encode(av.VideoFrame.from_ndarray(made, format=kind)):
            out.mux(packet)
        yield number
    for packet in stream.encode():
        out.mux(packet)


class Treated:
    """One frame after the other: mask, steadied, finished, on its background."""

    def __init__(self, predictor: "Predictor", recipe: Recipe) -> None:
        self._predictor, self._recipe = predictor, recipe
        self._mask: Map | None = None
        self._grey: Map | None = None

    def __call__(self, frame: Picture) -> Picture:
        """RGB uint8 (h, w, 3) to the same, or RGBA where the background is transparent."""
        recipe = self._recipe
        mask = small_map(self._predictor, frame, recipe.gaze)
        if recipe.steady:
            mask = self._steadied(mask, frame)
        alpha = alpha_of(enlarge(mask, frame, recipe.fine), recipe.threshold, recipe.finish)
        return compose(frame, alpha, recipe.finish, recipe.background)

    def _steadied(self, mask: Map, frame: Picture) -> Map:
        """The past counts where the picture stands still: edges do not flicker, and nothing is dragged."""
        size = mask.shape[1], mask.shape[0]
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255, (0, 0), 2)
        if self._mask is not None and self._grey is not None and self._mask.shape == mask.shape:
            moved = np.clip(np.abs(grey - self._grey) / MOVED, 0, 1)
            share = STEADY + (1 - STEADY) * moved
            mask = (share * mask + (1 - share) * self._mask).astype(np.float32)
        self._mask, self._grey = mask, np.asarray(grey, np.float32)
        return mask


def _even(frame: Picture) -> Picture:
    """Codecs halve the colours: sides are even numbers."""
    return np.ascontiguousarray(frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2])


def _sound_of(container: Any, suffix: str) -> Any:
    """The sound, where the target can hold it as it is, not encoded again; else None."""
    streams = container.streams.audio
    return streams[0] if streams and streams[0].codec.name in KEPT_AUDIO[suffix] else None


def _copy(container: Any, sound: Any, out: Any, copied: Any) -> None:
    for packet in container.demux(sound):
        if packet.dts is not None:
            packet.stream = copied
            out.mux(packet)
