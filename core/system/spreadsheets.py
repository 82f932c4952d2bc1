"""Tables that leave the app. A spreadsheet computes what begins like a formula, also a photo's name."""

from typing import Any

import pandas as pd

# Source: OWASP, CSV Injection; the wide forms are those that East Asian keyboards give.
_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BREAKS = str.maketrans("\t\r\n", "   ")  # which may begin a cell or a line of their own


def inert(table: Any) -> pd.DataFrame:
    """The table, anything that makes a DataFrame, as one in which no text is taken for a formula.

    Such texts, also in headings and in the index, get an apostrophe in front, which spreadsheets
    take for "this is text"; tabs and line breaks become spaces. Numbers stay numbers.
    """
    frame = pd.DataFrame(table).copy()
    for column in frame.select_dtypes(exclude=["number", "bool"]):
        frame[column] = frame[column].map(_inert_cell)
    return frame.rename(columns=_inert_cell, index=_inert_cell)


def csv_text(table: Any, digits: int | None = None, index: bool = False) -> str:
    """The table as CSV with `digits` significant digits, None: all, that is safe to open."""
    form = None if digits is None else f"%.{digits}g"
    return str(inert(table).to_csv(index=index, float_format=form))


def csv_file(table: Any, digits: int | None = None) -> bytes:
    """The same as a file that every spreadsheet takes for UTF-8."""
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
