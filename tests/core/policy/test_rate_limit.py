"""What a visitor's hour holds, by megapixels."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.cutout_settings import CutOutSettings
from core.data.photos import photo_cost
from core.errors import UserError
from core.inference.clips import Clip, clip_cost
from core.policy.policy import VARIABLE
from core.policy.rate_limit import HOUR, KNOWN_VISITORS, PIXELS, Quota, Quotas, UsedUpError, photos_in


def png(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((height, width), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def one_megapixel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "studio.toml").write_text("public = true\nphoto_megapixels = 1\n")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "studio.toml"))


def test_large_photos_count_as_several() -> None:
    assert [photos_in(mp * 1e6) for mp in (0.1, 12, 12.1, 64)] == [1, 1, 2, 6]
    assert photo_cost(png(5000, 5000)) == 3


def test_a_photo_that_is_too_large_is_refused_by_its_header(one_megapixel: None) -> None:
    assert photo_cost(png(1000, 1000)) == 1
    header_alone = png(1100, 1000)[:60]
    with pytest.raises(UserError, match=r"a.png has 1 megapixels; this server accepts 1"):
        photo_cost(header_alone, "a.png")


def test_without_rules_a_photo_is_as_large_as_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert photo_cost(png(10_000, 10_000)) == 9


def test_what_does_not_fit_the_hour_is_not_counted() -> None:
    quota = Quota()
    quota.take(5, 0, count=3)
    with pytest.raises(UsedUpError, match="Try again in 59 min"):
        quota.take(5, 60, count=3)
    quota.take(5, 60, count=2)
    with pytest.raises(UsedUpError, match="Try again in 58 min"):
        quota.take(5, 120, count=3)
    quota.take(5, HOUR + 1, count=3)
    with pytest.raises(UsedUpError, match="counts as more: make it smaller"):
        quota.take(5, 3 * HOUR, count=6)


def test_each_visitor_has_an_hour_of_their_own_and_those_long_gone_are_forgotten() -> None:
    quotas = Quotas()
    quotas.of("a").take(1)
    quotas.of("b").take(1)
    with pytest.raises(UsedUpError):
        quotas.of("a").take(1)
    for number in range(KNOWN_VISITORS):
        quotas.of(str(number))
    quotas.of("a").take(1)


def test_a_quota_is_used_up_and_comes_back() -> None:
    quota = Quota()
    for second in range(3):
        quota.take(3, second)
    with pytest.raises(UserError, match="Try again in 60 min"):
        quota.take(3, 10)
    quota.take(3, HOUR + 0.5)  # the first has grown old
    with pytest.raises(UserError):
        quota.take(3, HOUR + 0.6)
    for _ in range(1000):
        quota.take(0)


def test_checking_a_quota_counts_nothing() -> None:
    quota = Quota()
    for _ in range(3):
        quota.check(2, count=2)
    quota.take(2, count=2)
    with pytest.raises(UsedUpError):
        quota.check(2)
    quota.check(0, count=1000)


def test_every_forward_pass_of_a_photo_or_a_video_counts() -> None:
    photo = png(64, 48)
    assert [photo_cost(photo, passes=CutOutSettings(tiles=n).passes) for n in (1, 2, 3)] == [1, 5, 10]
    clip = Clip(1920, 1080, 25.0, 8.0, 200)
    assert clip_cost(clip) == math.ceil(200 * 1920 * 1080 * (1 + 1 / 8) / PIXELS)
    assert clip_cost(clip, passes=10) == math.ceil(200 * 1920 * 1080 * (10 + 1 / 8) / PIXELS)
