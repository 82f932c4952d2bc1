"""Numbers as people say them."""


def plain(text: str) -> str:
    """A user's words or a file's name for Markdown: shown as they are, never obeyed."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-.!|<>$:~" else c for c in text)


def without_pictures(markdown: str) -> str:
    """Markdown from outside, whose pictures stay text: a browser fetches them from wherever they are, and
    tells that place who looks. Links stay links, which somebody has to choose."""
    return markdown.replace("![", "!\\[")


def duration(seconds: float) -> str:
    """ "12 s", "3 min 20 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def shortened(name: str, most: int = 40) -> str:
    """A long name with its middle cut out: both ends tell files and runs apart."""
    if len(name) <= most:
        return name
    end = (most - 1) // 2
    return f"{name[: most - 1 - end]}…{name[-end:]}"


def percent(fraction: float) -> str:
    """0.9568 -> "95.7 %"."""
    return f"{fraction * 100:.1f} %"


def pixels_of(distance: float) -> str:
    """3.14 -> "3.1 px"."""
    return f"{distance:.1f} px"


def megapixels(height: int, width: int) -> str:
    return f"{width} x {height} ({height * width / 1e6:.1f} megapixels)"


def plural(count: int, one: str, many: str = "") -> str:
    """ "1 photo", "3 photos"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
