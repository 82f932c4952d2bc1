"""Photos and masks are paired by name."""

from pathlib import Path

from core.data.pairing import find_pairs


def test_pairs_are_found_by_stem_in_sorted_order(small_data: Path) -> None:
    found = find_pairs(small_data)
    pairs, problems = found.pairs, found.problems
    assert [p.name for p in pairs] == [f"{i:02d}.jpg" for i in range(10)]
    assert all(p.mask.stem == p.image.stem for p in pairs)
    assert problems == []


def test_masks_may_carry_an_ending(small_data: Path) -> None:
    for mask in (small_data / "masks").iterdir():
        mask.rename(mask.with_name(f"{mask.stem}_mask.png"))
    assert len(find_pairs(small_data).pairs) == 10


def test_what_has_no_partner_is_named(small_data: Path) -> None:
    (small_data / "masks" / "03.png").unlink()
    (small_data / "images" / "04.jpg").unlink()
    (small_data / "images" / "notes.txt").write_text("hello")
    (small_data / "images" / "05.png").write_bytes((small_data / "masks" / "05.png").read_bytes())
    found = find_pairs(small_data)
    pairs, problems = found.pairs, found.problems
    assert len(pairs) == 8
    assert {p.name for p in problems} == {"03.jpg", "04.png", "notes.txt", "05.png"}
