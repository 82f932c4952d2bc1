"""Numbers and names as people read them."""

import datetime

from core.system import formatting
from core.system.formatting import shortened


def test_a_long_name_keeps_both_its_ends() -> None:
    name = "20261125-174301-" + "a" * 60 + "-fold-3.jpg"
    short = shortened(name, 30)
    assert len(short) == 30 and short.startswith("20261125") and short.endswith("fold-3.jpg") and "…" in short
    assert shortened("short.jpg", 30) == "short.jpg"


def test_numbers_in_words() -> None:
    assert [formatting.duration(s) for s in (0.4, 59, 75, 3599, 7300)] == [
        "0 s",
        "59 s",
        "1 min 15 s",
        "59 min",
        "2 h 1 min",
    ]
    assert formatting.percent(0.9568) == "95.7 %"
    assert formatting.plural(1, "photo") == "1 photo" and formatting.plural(1200, "photo") == "1,200 photos"


def test_a_time_is_written_one_way_whatever_its_zone() -> None:
    local = datetime.datetime(2026, 12, 1, 5, 2)
    assert formatting.moment(local) == "1 Dec 2026, 05:02"
    assert formatting.moment(local.astimezone(datetime.UTC)) == "1 Dec 2026, 05:02"


def test_a_count_of_passes_says_no_more_than_it_means() -> None:
    assert [formatting.times(count) for count in (0.3, 1.4, 7.2, 2582)] == [
        "less than once", "about once", "about 7 times", "more than 100 times",
    ]  # fmt: skip
