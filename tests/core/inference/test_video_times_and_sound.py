"""A video comes out as it went in but for its background: its frames' times, its sound, its size."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from core.cutout_settings import Background, CutOutSettings
from core.errors import UserError
from core.inference import sound
from core.inference.predictor import Predictor
from core.inference.video import replace_background
from tests.builders import untrained_card
from tests.core.inference.test_test_time_augmentation import Reddish

COLOUR = Background("colour", (0, 200, 0))
SETTINGS = {
    ".mp4": CutOutSettings(0.9, decontaminate=False, background=COLOUR),
    ".webm": CutOutSettings(0.9, decontaminate=False),
}
RATE = 48_000


def film(
    path: Path, times: Sequence[float], codec: str = "", size: tuple[int, int] = (64, 48), start: float = 0.0
) -> Path:
    """Frames at `times`, in seconds, with a second of a tone of 440 Hz in `codec` from `start` on."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg" if path.suffix == ".mkv" else "libx264", rate=Fraction(25))
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj444p" if path.suffix == ".mkv" else "yuv420p"
        heard = out.add_stream(codec, rate=RATE, layout="stereo") if codec else None
        for number, time in enumerate(times):
            picture = np.full((size[1], size[0], 3), (250, 10 * number, 0), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
        if heard is not None:
            tone = np.sin(np.arange(RATE) / RATE * 440 * 2 * np.pi).astype(np.float32) / 2
            coder = heard.codec_context
            resampler = av.AudioResampler(coder.format, coder.layout, RATE, coder.frame_size)
            frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, round(start * RATE), Fraction(1, RATE)  # type: ignore[attr-defined]
            for part in (*resampler.resample(frame), *resampler.resample(None)):
                out.mux(heard.encode(part))
            out.mux(heard.encode())
    return path


def made(source: Path, suffix: str = ".mp4") -> Path:
    target = source.with_name(f"out{suffix}")
    list(replace_background(source, target, Predictor.of(Reddish(), untrained_card()), SETTINGS[suffix]))
    return target


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


def heard(path: Path) -> tuple[str, np.ndarray, float]:
    """The codec of its sound, the sound of one channel at 48 kHz, and the second at which it begins."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler("fltp", "mono", RATE)
        frames = list(container.decode(stream))
        parts = [part.to_ndarray()[0] for frame in [*frames, None] for part in resampler.resample(frame)]
        return stream.codec_context.codec.canonical_name, np.concatenate(parts), frames[0].time


@pytest.mark.parametrize(
    ("codec", "suffix", "expected"),
    [
        ("libmp3lame", ".mp4", "mp3"),
        ("aac", ".mp4", "aac"),
        ("aac", ".webm", "opus"),
        ("libmp3lame", ".webm", "opus"),
        ("libopus", ".webm", "opus"),
        ("libopus", ".mp4", "aac"),
        ("pcm_s16le", ".mp4", "aac"),
    ],
)
def test_the_sound_is_heard_in_every_container(
    tmp_path: Path, codec: str, suffix: str, expected: str
) -> None:
    source = film(tmp_path / "a.mkv", [0, 0.5, 0.9], codec)
    name, wave, _ = heard(made(source, suffix))
    assert name == expected
    assert len(wave) == pytest.approx(RATE, rel=0.08)
    strength = np.abs(np.fft.rfft(wave[4000:44000]))
    assert np.argmax(strength) * RATE / 40000 == pytest.approx(440, abs=5)


@pytest.mark.parametrize(("codec", "suffix"), [("aac", ".mp4"), ("aac", ".webm"), ("libopus", ".mp4")])
def test_sound_that_begins_later_still_does(tmp_path: Path, codec: str, suffix: str) -> None:
    source = film(tmp_path / "a.mkv", [0, 0.5, 0.9], codec, start=0.4)
    _, wave, begins = heard(made(source, suffix))
    loud = np.flatnonzero(np.abs(wave) > 0.1)[0] / RATE
    assert begins + loud == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_frames_are_shown_when_they_were(tmp_path: Path, suffix: str) -> None:
    given = [0.0, 0.16, 0.2, 1.0, 1.04, 2.5]
    assert times(made(film(tmp_path / "a.mkv", given), suffix)) == pytest.approx(given, abs=0.002)


def test_the_last_frame_of_a_gif_is_shown_for_as_long_as_it_was(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 30), (200, 40 * number, 0)) for number in range(3)]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=[100, 300, 2000])
    out = made(path)
    assert times(out) == pytest.approx([0, 0.1, 0.4], abs=0.002)
    with av.open(str(out)) as container:
        assert container.duration / av.time_base == pytest.approx(2.4, abs=0.05)


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
@pytest.mark.parametrize("size", [(1, 1), (33, 1), (1, 40), (65, 49)])
def test_sides_that_codecs_do_not_take_are_completed(
    tmp_path: Path, size: tuple[int, int], suffix: str
) -> None:
    out = made(film(tmp_path / "a.mkv", [0, 0.1], size=size), suffix)
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert len(times(out)) == 2


def test_sound_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Track:
        codec_context = None

    source = film(tmp_path / "a.mkv", [0.0])
    container = type("Container", (), {"streams": type("Streams", (), {"audio": [Track()]})})
    with pytest.raises(UserError, match="The sound of a"):
        sound.Sound(container, None, ".mp4", source.name)
