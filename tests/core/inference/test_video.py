"""Short videos: what is replaced, what stays, and what is refused."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core import cli
from core.cutout_settings import Background, CutOutSettings
from core.errors import UserError
from core.inference import clips
from core.inference.clips import first_frame, read_clip
from core.inference.predictor import Predictor
from core.inference.video import Treated, replace_background
from tests.builders import untrained_card
from tests.core.inference.test_test_time_augmentation import Reddish

GREEN = CutOutSettings(0.9, decontaminate=False, background=Background("colour", (0, 200, 0)))


@pytest.fixture
def reddish() -> Predictor:
    return Predictor.of(Reddish(), untrained_card())


def frame(number: int) -> NDArray[np.uint8]:
    """A red square that moves to the right over blue."""
    picture = np.zeros((96, 130, 3), np.uint8)
    picture[..., 2] = 200
    picture[30:70, 10 + 4 * number : 50 + 4 * number] = (250, 0, 0)
    return picture


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Twelve frames with sound."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(12))
        stream.width, stream.height, stream.pix_fmt, stream.options = 130, 96, "yuv420p", {"crf": "1"}
        sound = out.add_stream("aac", rate=44100)
        for number in range(12):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame(number), format="rgb24")))
        out.mux(stream.encode())
        for number in range(43):
            part = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            part.sample_rate, part.pts = 44100, number * 1024
            out.mux(sound.encode(part))
        out.mux(sound.encode())
    return path


def pictures(path: Path, form: str = "rgb24") -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [picture.to_ndarray(format=form) for picture in container.decode(video=0)]  # type: ignore[misc]


def test_every_frame_gets_the_new_background_and_the_sound_stays(
    clip: Path, tmp_path: Path, reddish: Predictor
) -> None:
    done = list(replace_background(clip, tmp_path / "out.mp4", reddish, GREEN))
    assert done == list(range(1, 13))
    made = pictures(tmp_path / "out.mp4")
    assert len(made) == 12 and made[0].shape == (96, 130, 3)
    for number, picture in enumerate(made):
        assert np.abs(picture[10, 10].astype(int) - (0, 200, 0)).max() < 30
        assert picture[50, 30 + 4 * number, 0] > 200
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [s.codec.name for s in container.streams.audio] == ["aac"]
        assert sum(p.size for p in container.demux(audio=0)) > 0


def test_transparency_is_kept(clip: Path, tmp_path: Path, reddish: Predictor) -> None:
    settings = CutOutSettings(0.9, decontaminate=False)
    list(replace_background(clip, tmp_path / "out.webm", reddish, settings))
    with av.open(str(tmp_path / "out.webm")) as container:
        stream = container.streams.video[0]
        assert (stream.codec.name, stream.metadata.get("alpha_mode", "1")) == ("vp9", "1")
    assert len(pictures(tmp_path / "out.webm")) == 12


def test_a_gif_is_a_video_too(tmp_path: Path, reddish: Predictor) -> None:
    frames = [Image.fromarray(frame(number)) for number in range(5)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=100)
    assert read_clip(tmp_path / "a.gif").width == 130
    assert list(replace_background(tmp_path / "a.gif", tmp_path / "out.mp4", reddish, GREEN))[-1] == 5


def test_a_mask_that_flickers_is_steadied_and_one_that_moves_is_not_dragged() -> None:
    class Flickering(Predictor):
        def __init__(self) -> None:
            self.card = untrained_card()
            self.answers = iter([0.9, 0.1, 0.9, 0.1, 0.9, 0.1])

        def small_map(self, photo: NDArray[np.uint8], long_side: int | None = None) -> NDArray[np.float32]:
            return np.full((24, 32), next(self.answers), np.float32)

    still = np.full((48, 64, 3), 90, np.uint8)
    steady = Treated(Flickering(), GREEN)
    masks = []
    for _ in range(6):
        steady(still)
        assert steady._mask is not None
        masks.append(float(steady._mask.mean()))
    assert np.abs(np.diff(masks[1:])).max() < 0.4  # of 0.8
    moving = Treated(Flickering(), GREEN)
    for value in (20, 220, 20):
        moving(np.full((48, 64, 3), value, np.uint8))
    assert moving._mask is not None and moving._mask.mean() == pytest.approx(0.9)


def test_what_is_no_video_or_too_long_is_one_sentence(
    clip: Path, tmp_path: Path, reddish: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:800])
    for name in ("text.mp4", "cut.mp4"):
        with pytest.raises(UserError, match="cannot be read as a video"):
            first_frame(tmp_path / name)
    monkeypatch.setattr(clips, "MAX_SECONDS", 0)
    with pytest.raises(UserError, match="cut it"):
        list(replace_background(clip, tmp_path / "out.mp4", reddish, GREEN))
    assert not list(tmp_path.glob("*out*"))


def test_giving_up_leaves_nothing(clip: Path, tmp_path: Path, reddish: Predictor) -> None:
    steps = replace_background(clip, tmp_path / "out.mp4", reddish, GREEN)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert not list(tmp_path.glob("*out*"))


def test_the_command_writes_a_video(clip: Path, tmp_path: Path, saved_model: Path) -> None:
    out = tmp_path / "new" / "out.mp4"
    arguments = [
        "video",
        str(clip),
        "--model",
        str(saved_model),
        "--out",
        str(out),
        "--background",
        "#102030",
    ]
    assert cli.main(arguments) == 0
    assert len(pictures(out)) == 12
    assert cli.main([*arguments[:-2], "--background", "none"]) == 1
