"""What a check can find, in words for people."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from core.data.value_range import Range, suggested
from core.system.spreadsheets import csv_file


@dataclass(frozen=True, slots=True)
class Kind:
    """`level`: "excluded" (cannot be used), "mended" (used, after a change), "look" (used as it is) or
    "to paint" (a photo whose mask is not painted yet).

    `fix` is the one click that answers it: "exclude", "invert", "restore", "range", "paint" or "".
    """

    code: str
    title: str
    level: str
    advice: str
    fix: str = ""


KINDS = (
    Kind("partner", "No partner", "excluded", "A photo without a mask, or a mask without a photo."),
    Kind("unpainted", "Photos to paint", "to paint", "Their masks are not painted yet.", "paint"),
    Kind("unread", "Damaged, or not a picture", "excluded", "Replace the file with an intact copy."),
    Kind("damaged", "Photos damaged inside", "look",
         "Blocks of wrong colours or places, as after a disk failure: replace them by intact copies.",
         "exclude"),
    Kind("shape", "Photo and mask differ in shape", "excluded", "They cannot belong together."),
    Kind("chosen", "Excluded by you", "excluded", "They can be restored at any time.", "restore"),
    Kind("leak", "Near duplicates in two sets", "look",
         "The model has seen what it is scored on: scores are too high.", "exclude"),
    Kind("moved", "Held-out photos in a folder for training", "look",
         "Somebody moved the files. They stay held out, because scores were measured on them: re-split the "
         "photos to train on them."),
    Kind("twin", "Near duplicates", "look", "Copies teach nothing new.", "exclude"),
    Kind("empty", "Empty masks", "look", "Right where there is nothing to find, otherwise forgotten.",
         "exclude"),
    Kind("full", "Masks that cover everything", "look", "Often an inverted or a failed mask.", "invert"),
    Kind("void", "Masks of void alone", "look", "No pixel in them counts: they teach nothing.",
         "exclude"),
    Kind("uniform", "One class everywhere", "look", "Often a failed mask.", "exclude"),
    Kind("values", "Values without a class", "look",
         "These pixels are ignored: correct the masks, or make every value a class below."),
    Kind("specks", "Tiny specks", "look", "Stray clicks or rough edges of an automatic mask.", "exclude"),
    Kind("grey", "Grey masks", "look", "Values between black and white are cut at the middle.", ""),
    Kind("resized", "Masks of another size", "mended", "Same shape, other resolution: resized to the photo."),
    Kind("turned", "Masks that may be rotated", "look",
         "The photo has an EXIF orientation and its mask has none: see whether both match.", "exclude"),
    Kind("aspect", "Very long photos", "look", "They are distorted most at the training size.", "exclude"),
    Kind("light", "Very dark or very bright", "look", "Hardly anything can be seen.", "exclude"),
    Kind("range", "Values in another range", "look",
         "Grey values of more than 8 bits that are read nearly black or clipped.", "range"),
    Kind("small", "Very small photos", "look", "Below 64 pixels there is little to learn.", "exclude"),
    Kind("outlier", "Sizes unlike the others", "look", "More than 16 times smaller or larger.", "exclude"),
)  # fmt: skip
BY_CODE = {kind.code: kind for kind in KINDS}


def counts(table: pd.DataFrame) -> dict[str, int]:
    """How many rows have each finding, in the order of KINDS, without those that none has."""
    found = table["findings"].str.split().explode().value_counts()
    return {kind.code: int(found[kind.code]) for kind in KINDS if kind.code in found}


def to_look_at(table: pd.DataFrame) -> int:
    """How many files have a finding that was not simply mended, and is no photo still to be painted."""
    fine = {kind.code for kind in KINDS if kind.level in ("mended", "to paint")}
    return int(table["findings"].str.split().map(lambda codes: bool(set(codes) - fine)).sum())


def rows_with(table: pd.DataFrame, code: str) -> pd.DataFrame:
    """The rows with this finding."""
    return table[table["findings"].str.split().map(lambda codes: code in codes)]


def to_exclude(table: pd.DataFrame, code: str) -> list[str]:
    """The photos that answering this finding excludes.

    Of two that are alike: the one in training where the other is not, else the later name, so that
    one of each stays.
    """
    rows = rows_with(table, code)
    if code not in ("leak", "twin"):
        return list(rows["name"])
    splits = dict(zip(table["name"], table["split"], strict=True))
    chosen: set[str] = set()
    for name, twin in zip(rows["name"], rows["twin"], strict=True):
        if code == "leak":
            chosen |= {n for n in (name, twin) if splits.get(n) == "train"}
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
    columns: Sequence[str] = ["name", "split", "findings", "problem", "note", "width", "height", "foreground"]
    return csv_file(found[list(columns)])
