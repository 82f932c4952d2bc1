"""What a check can find, in words for people."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from core.data.value_range import Range, suggested
from core.system.spreadsheets import csv_file


@dataclass(frozen=True, slots=True)
class Kind:
    """`level`: "left out" (cannot be used), "mended" (used, after a change) or "look" (used as it is).

    `fix` is the one click that answers it: "leave out", "invert", "take back", "range" or "".
    """

    code: str
    title: str
    level: str
    advice: str
    fix: str = ""


KINDS = (
    Kind("partner", "No partner", "left out", "A photo without a mask, or a mask without a photo."),
    Kind("unread", "Damaged or no picture", "left out", "Replace the file by a whole copy."),
    Kind("shape", "Photo and mask of other shapes", "left out", "They cannot belong together: export again."),
    Kind("chosen", "Left out by you", "left out", "Can be taken back at any time.", "take back"),
    Kind("leak", "Nearly the same photo in two parts", "look",
         "What was learnt by heart is asked: scores look better than they are.", "leave out"),
    Kind("twin", "Nearly the same photo twice", "look", "Copies teach nothing new.", "leave out"),
    Kind("empty", "Empty masks", "look", "Right where there is nothing to find, else a forgotten one.",
         "leave out"),
    Kind("full", "Masks that cover everything", "look", "Often an inverted or a failed mask.", "invert"),
    Kind("void", "Masks of void alone", "look", "Nothing in them is known: they teach nothing.",
         "leave out"),
    Kind("uniform", "One class everywhere", "look", "Often a failed mask.", "leave out"),
    Kind("values", "Values that are no class", "look",
         "These pixels are ignored: correct the masks, or have the classes decided anew from all masks."),
    Kind("specks", "Tiny specks", "look", "Stray clicks or rough edges of an automatic mask.", "leave out"),
    Kind("grey", "Grey masks", "look", "Values between black and white are cut at the middle.", ""),
    Kind("resized", "Masks of another size", "mended", "Same shape, other resolution: resized to the photo."),
    Kind("turned", "Masks that may be turned", "look",
         "The photo's EXIF orientation mirrors or turns it, the mask has none and is taken as it is seen: "
         "look whether both match.", "leave out"),
    Kind("aspect", "Very long photos", "look", "They are squeezed most at the training size.", "leave out"),
    Kind("light", "Very dark or very bright", "look", "Hardly anything to be seen.", "leave out"),
    Kind("range", "Values in another range", "look",
         "Grey values of more than 8 bits that are read nearly black, or cut off.", "range"),
    Kind("small", "Very small photos", "look", "Below 64 pixels there is little to learn.", "leave out"),
    Kind("outlier", "Sizes unlike the others", "look", "More than 16 times smaller or larger.", "leave out"),
)  # fmt: skip
BY_CODE = {kind.code: kind for kind in KINDS}


def counts(table: pd.DataFrame) -> dict[str, int]:
    """How many rows have each finding, in the order of KINDS, without those that none has."""
    found = table["findings"].str.split().explode().value_counts()
    return {kind.code: int(found[kind.code]) for kind in KINDS if kind.code in found}


def to_look_at(table: pd.DataFrame) -> int:
    """How many files have a finding that was not simply mended."""
    mended = {kind.code for kind in KINDS if kind.level == "mended"}
    return int(table["findings"].str.split().map(lambda codes: bool(set(codes) - mended)).sum())


def rows_with(table: pd.DataFrame, code: str) -> pd.DataFrame:
    """The rows with this finding."""
    return table[table["findings"].str.split().map(lambda codes: code in codes)]


def to_leave_out(table: pd.DataFrame, code: str) -> list[str]:
    """The photos that answering this finding leaves out.

    Of two that are alike: the one in training where the other is not, else the later name, so that
    one of each stays.
    """
    rows = rows_with(table, code)
    if code not in ("leak", "twin"):
        return list(rows["name"])
    parts = dict(zip(table["name"], table["part"], strict=True))
    chosen: set[str] = set()
    for name, twin in zip(rows["name"], rows["twin"], strict=True):
        if code == "leak":
            chosen |= {n for n in (name, twin) if parts.get(n) == "train"}
        elif twin not in chosen and name not in chosen:
            chosen.add(max(name, twin))
    return sorted(chosen)


def suggested_range(table: pd.DataFrame) -> Range:
    """The values that should be black and white, by the photos whose values are in another range."""
    rows = rows_with(table, "range")
    return suggested(list(zip(rows["lowest"].tolist(), rows["highest"].tolist(), strict=True)))


def download(table: pd.DataFrame) -> bytes:
    """The list of everything found, as CSV in UTF-8 that spreadsheets open."""
    found = table[table["findings"] != ""]
    columns: Sequence[str] = ["name", "part", "findings", "problem", "note", "width", "height", "foreground"]
    return csv_file(found[list(columns)])
