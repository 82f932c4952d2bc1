"""Replacing the background of a short video or GIF, frame by frame, with the mask smoothed over time."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.cutout_settings import Background, CutOutSettings
from core.errors import UserError, system_said
from core.imaging.rendering import display_size
from core.inference.clips import MAX_SIDE, Clip, Moment, Picture, opened, read_clip, timed_frames, video_of
from core.inference.cutout import from_map
from core.inference.sound import Sound
from core.inference.test_time_augmentation import probability_map
from core.system.atomic import atomic_file
from core.system.concurrency import taking_turns
from core.system.workspace import file_to_write

if TYPE_CHECKING:
    from core.inference.predictor import Predictor

Map = NDArray[np.float32]

MAX_FRAMES = 3600
STEADY = 0.35  # weight of a frame's own mask where nothing moves; the rest is that of earlier frames
MOVED = 0.06  # change of brightness, 0..1, from which earlier frames have no weight
CODECS = {".mp4": ("libx264", "yuv420p"), ".webm": ("libvpx-vp9", "yuva420p")}
TICKS = 90_000  # a second: MPEG's own clock, in which every usual rate is a whole number


def suffix_for(background: Background) -> str:
    """WebM keeps transparency; MP4 plays everywhere."""
    return ".webm" if background.kind == "transparent" else ".mp4"


def replace_background(
    source: Path, target: Path, predictor: "Predictor", settings: CutOutSettings, steady: bool = True
) -> Iterator[int]:
    """Write the video `target`, .mp4 or .webm, yielding the number of frames done after each.

    `steady` averages each frame's mask with those of earlier frames where nothing moves. Frames keep their
    times. The sound is copied, or re-encoded if the target's container does not support its codec. Raises
    UserError, and writes nothing, if the source cannot be read or is too long, or the disk is full.
    """
    import av

    clip = read_clip(source)
    label = source.name
    try:
        with (
            opened(source, label) as container,
            opened(source, label) as heard,
            atomic_file(file_to_write(target)) as part,
            av.open(str(part), "w", format=target.suffix.removeprefix(".")) as out,
        ):
            pictures_in = timed_frames(container, video_of(container, label), label)
            # All streams must be added before the first packet is written.
            pictures = _new_stream(out, clip, target.suffix)
            sound = Sound(heard, out, target.suffix, label)
            yield from _write(out, pictures, sound, pictures_in, Treated(predictor, settings, steady))
            sound.write_until()
    except OSError as error:
        raise UserError(f"{target.name} cannot be written: {system_said(error)}.") from error


def _new_stream(out: Any, clip: Clip, suffix: str) -> Any:
    codec, form = CODECS[suffix]
    stream = out.add_stream(codec, rate=Fraction(clip.rate).limit_denominator(1001))
    stream.codec_context.time_base = Fraction(1, TICKS)
    sample = _even(display_size(np.zeros((clip.height, clip.width, 3), np.uint8), MAX_SIDE))
    stream.height, stream.width = sample.shape[:2]
    stream.pix_fmt = form
    stream.options = {"crf": "18"} if suffix == ".mp4" else {"crf": "30", "b:v": "0", "deadline": "realtime"}
    return stream


def _write(
    out: Any, stream: Any, sound: Sound, frames: Iterator[tuple[Moment, Picture]], treated: "Treated"
) -> Iterator[int]:
    import av

    lasts: dict[int, int] = {}  # ticks, by the tick at which a frame is shown

    def write(packets: list[Any]) -> None:
        for packet in packets:
            # Encoders do not set it; without it the last frame is shown too briefly.
            packet.duration = lasts.pop(packet.pts, 0)
            out.mux(packet)

    last = None
    for number, (moment, picture) in enumerate(frames, 1):
        if number > MAX_FRAMES:
            raise UserError(f"The video has more than {MAX_FRAMES} frames: cut it.")
        with taking_turns():
            made = treated(_even(display_size(picture, MAX_SIDE)))
        frame = av.VideoFrame.from_ndarray(made, format="rgba" if made.shape[2] == 4 else "rgb24")
        start = round(moment.start * TICKS)
        last = start if last is None else max(start, last + TICKS // 1000)  # WebM counts thousandths
        frame.pts, frame.time_base = last, Fraction(1, TICKS)
        lasts[last] = max(1, round(moment.lasts * TICKS))
        write(stream.encode(frame))
        sound.write_until(moment.start)
        yield number
    write(stream.encode())


class Treated:
    """Cuts out one frame after the other, smooths the mask and composes it with the background."""

    def __init__(self, predictor: "Predictor", settings: CutOutSettings, steady: bool = True) -> None:
        self._predictor, self._steady = predictor, steady
        self._settings = settings.of_model(predictor.card.threshold, predictor.card.refine_edges)
        self._mask: Map | None = None
        self._grey: Map | None = None

    def __call__(self, frame: Picture) -> Picture:
        """From RGB uint8 (h, w, 3) to RGB, or to RGBA if the background is transparent."""
        small = probability_map(frame, self._predictor, self._settings)
        if self._steady:
            small = self._steadied(small, frame)
        return from_map(frame, small, self._settings).picture("cutout")

    def _steadied(self, mask: Map, frame: Picture) -> Map:
        """Average with earlier masks where nothing moves, so that edges do not flicker and nothing lags."""
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
    """Chroma subsampling needs even sides: repeat the last row or column if they are odd."""
    bottom, right = frame.shape[0] % 2, frame.shape[1] % 2
    return np.pad(frame, ((0, bottom), (0, right), (0, 0)), mode="edge") if bottom or right else frame
