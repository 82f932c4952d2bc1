"""Exported tables: spreadsheets would evaluate any text that looks like a formula, such as a file name."""

from typing import Any

import pandas as pd

# Source: OWASP, CSV Injection. The full-width forms are those of East Asian keyboards.
_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BREAKS = str.maketrans("\t\r\n", "   ")  # which could start a new cell or line


def inert(table: Any) -> pd.DataFrame:
    """A DataFrame of the table in which spreadsheets find no formula.

    Texts that look like one, in cells, headings and the index, get a leading apostrophe, which marks text;
    tabs and line breaks become spaces. Numbers stay numbers.
    """
    frame = pd.DataFrame(table).copy()
    for column in frame.select_dtypes(exclude=["number", "bool"]):
        frame[column] = frame[column].map(_inert_cell)
    return frame.rename(columns=_inert_cell, index=_inert_cell)


def csv_text(table: Any, digits: int | None = None, index: bool = False) -> str:
    """The table as CSV that is safe to open, with `digits` significant digits; None keeps all."""
    form = None if digits is None else f"%.{digits}g"
    return str(inert(table).to_csv(index=index, float_format=form))


def csv_file(table: Any, digits: int | None = None) -> bytes:
    """The same as the bytes of a file, with a byte order mark so that spreadsheets read it as UTF-8."""
    return csv_text(table, digits).encode("utf-8-sig")


def _inert_cell(value: Any) -> Any:
    if not isinstance(value, str) or _is_number(value):
        return value
    text = value.translate(_BREAKS)
    return f"'{text}" if text.lstrip().startswith(_STARTS) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text == text.strip()
