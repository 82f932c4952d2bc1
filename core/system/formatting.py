"""Numbers, times and names as text for people."""

import datetime

MANY_TIMES = 100
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def plain(text: str) -> str:
    """A user's text or a file name for Markdown, with all special characters escaped."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-.!|<>$:~" else c for c in text)


def without_pictures(markdown: str) -> str:
    """Untrusted Markdown with its images turned into text: a browser would fetch them, which tells their
    server who reads the page. Links stay, because they are followed only on a click."""
    return markdown.replace("![", "!\\[")


def duration(seconds: float) -> str:
    """ "12 s", "3 min 20 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def time_left(seconds: float) -> str:
    """ "3 min 20 s left"; where the time is over and the last step goes on, "finishing"."""
    return f"{duration(seconds)} left" if round(seconds) > 0 else "finishing"


def about(seconds: float) -> str:
    """A duration that is only estimated: "less than a minute", "about 3 min", "about 2 h"."""
    minutes = seconds / 60
    if minutes < 1:
        return "less than a minute"
    return f"about {round(minutes)} min" if minutes < 90 else f"about {round(minutes / 60)} h"


def times(count: float) -> str:
    """In words: less than once, about once, about 7 times, more than 100 times."""
    if count > MANY_TIMES:
        return f"more than {MANY_TIMES} times"
    if count < 0.75:
        return "less than once"
    return f"about {round(count)} times" if round(count) > 1 else "about once"


def moment(when: datetime.datetime) -> str:
    """ "1 Dec 2026, 05:22", in the time zone of this machine; a time without a zone is local."""
    local = when.astimezone()
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}, {local:%H:%M}"


def shortened(name: str, most: int = 40) -> str:
    """A long name with its middle cut out: both ends tell files and runs apart."""
    if len(name) <= most:
        return name
    end = (most - 1) // 2
    return f"{name[: most - 1 - end]}…{name[-end:]}"


def percent(fraction: float, digits: int = 1) -> str:
    """0.9568 -> "95.7 %"; with 0 digits "96 %"."""
    return f"{fraction * 100:.{digits}f} %"


def pixels_of(distance: float) -> str:
    """3.14 -> "3.1 px"."""
    return f"{distance:.1f} px"


def dimensions(height: int, width: int) -> str:
    """ "512 x 512 px", "4000 x 3000 px (12.0 megapixels)"."""
    size = f"{width} x {height} px"
    return size if height * width < 1e6 else f"{size} ({height * width / 1e6:.1f} megapixels)"


def plural(count: int, one: str, many: str = "") -> str:
    """ "1 photo", "3 photos"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
