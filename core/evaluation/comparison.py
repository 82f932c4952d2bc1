"""Two models or more on the same images: where they disagree, and which is better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.evaluation.cache import Evaluation
from core.evaluation.statistics import Interval, Paired, mean_interval, paired


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """`table`: name, then a column of Dice for each model, then `spread`, the largest minus the smallest,
    largest first. `means` and `pairs` in the order of `labels`: each model's mean Dice over the images
    that all have predicted, and each later model against the first."""

    labels: list[str]
    table: pd.DataFrame
    means: list[Interval]
    pairs: list[Paired]


def compare(evaluations: Mapping[str, Evaluation], levels: Mapping[str, float]) -> Scoreboard:
    """Put models beside each other. Keys are labels, values of `levels` thresholds."""
    labels = list(evaluations)
    columns = [
        found.judged(levels[label]).set_index("name")["dice"].rename(label)
        for label, found in evaluations.items()
    ]
    table = pd.concat(columns, axis=1, join="inner").reset_index()
    values = table[labels].to_numpy()
    table["spread"] = values.max(1) - values.min(1) if len(table) else []
    table = table.sort_values(["spread", "name"], ascending=[False, True], kind="stable")
    means = [mean_interval(table[label]) for label in labels]
    pairs = [paired(table[labels[0]], table[label]) for label in labels[1:]]
    return Scoreboard(labels, table, means, pairs)


def unique_labels(labels: Sequence[str]) -> list[str]:
    """The same with a number behind each that was there before."""
    seen: dict[str, int] = {}
    told = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        told.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return told


def differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the settings whose values are not all the same, in order of appearance."""
    names = dict.fromkeys(name for each in settings for name in each)
    return [name for name in names if len({repr(each.get(name)) for each in settings}) > 1]


def on_the_front(quality: Sequence[float], cost: Sequence[float]) -> list[bool]:
    """Whether no other is both better and cheaper: Pareto's front."""
    q, c = np.asarray(quality, float), np.asarray(cost, float)
    return [not bool(np.any((q >= q[i]) & (c <= c[i]) & ((q > q[i]) | (c < c[i])))) for i in range(len(q))]
