"""Filters and orders for an evaluation's images."""

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

SUSPECT_FIRST = "Suspect ground truth first"
ORDERS = {
    "Worst Dice first": ("dice", True),
    "Best Dice first": ("dice", False),
    "Worst IoU first": ("iou", True),
    "Worst boundary IoU first": ("boundary_iou", True),
    "Largest Hausdorff 95 first": ("hd95", False),
    SUSPECT_FIRST: ("contradicted", False),
    "Smallest subject first": ("foreground", True),
    "Largest subject first": ("foreground", False),
    "Darkest first": ("brightness", True),
    "Brightest first": ("brightness", False),
    "Largest photo first": ("area", False),
    "Smallest photo first": ("area", True),
    "Name": ("name", True),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Ranges are closed and in 0..1, that of the photo's longer `side` in pixels; `names` None for all."""

    dice: tuple[float, float] = (0.0, 1.0)
    iou: tuple[float, float] = (0.0, 1.0)
    foreground: tuple[float, float] = (0.0, 1.0)
    brightness: tuple[float, float] = (0.0, 1.0)
    side: tuple[float, float] = (0.0, float("inf"))
    text: str = ""
    names: Collection[str] | None = None


def orders(judged: pd.DataFrame) -> list[str]:
    """The names of those that this table can be put into."""
    return [name for name, (column, _) in ORDERS.items() if column == "area" or column in judged]


def chosen(judged: pd.DataFrame, wanted: Filter, order: str = "Worst Dice first") -> pd.DataFrame:
    """The rows that pass, in one of ORDERS; equals by name, unknowns last."""
    keep = pd.Series(True, index=judged.index)
    for column in ("dice", "iou", "foreground", "brightness"):
        low, high = getattr(wanted, column)
        if (low, high) != (0.0, 1.0):
            keep &= judged[column].between(low, high)
    keep &= judged[["height", "width"]].max(axis=1).between(*wanted.side)
    if wanted.text.strip():
        keep &= judged["name"].str.contains(wanted.text.strip(), case=False, regex=False)
    if wanted.names is not None:
        keep &= judged["name"].isin(list(wanted.names))
    column, ascending = ORDERS[order]
    rows = judged[keep]
    rows = rows.assign(area=rows["height"] * rows["width"])
    return rows.sort_values(
        [column, "name"] if column != "name" else ["name"],
        ascending=[ascending, True] if column != "name" else [True],
        kind="stable", na_position="last",
    )  # fmt: skip
