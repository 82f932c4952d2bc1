"""Numbers and names as people read them."""

from core.system.formatting import shortened


def test_a_long_name_keeps_both_its_ends() -> None:
    name = "20261125-174301-" + "a" * 60 + "-fold-3.jpg"
    short = shortened(name, 30)
    assert len(short) == 30 and short.startswith("20261125") and short.endswith("fold-3.jpg") and "…" in short
    assert shortened("short.jpg", 30) == "short.jpg"
