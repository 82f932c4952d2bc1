"""Two or more models on the same images: where they disagree, and which is better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.evaluation.cache import Evaluation
from core.evaluation.statistics import Interval, Paired, mean_interval, paired


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """`dice`: each image's, a row an image by its name and a column a model; `spread`: the largest minus
    the smallest of each row. Both have the largest spread first. `means` and `pairs` in the order of
    `labels`: each model's mean Dice over the images that all have predicted, and each later model against
    the first."""

    labels: list[str]
    dice: pd.DataFrame
    spread: pd.Series
    means: list[Interval]
    pairs: list[Paired]


def compare(evaluations: Mapping[str, Evaluation], levels: Mapping[str, float]) -> Scoreboard:
    """Compare models, the first with each of the others. Keys are labels; `levels` are thresholds."""
    labels = list(evaluations)
    columns = {
        label: found.judged(levels[label]).set_index("name")["dice"] for label, found in evaluations.items()
    }
    dice = pd.concat(columns, axis=1, join="inner").sort_index()
    spread = (dice.max(axis=1) - dice.min(axis=1)).sort_values(ascending=False, kind="stable")
    dice = dice.loc[spread.index]
    means = [mean_interval(dice[label]) for label in labels]
    pairs = [paired(dice[labels[0]], dice[label]) for label in labels[1:]]
    return Scoreboard(labels, dice, spread, means, pairs)


def unique_labels(labels: Sequence[str]) -> list[str]:
    """The same labels, repeated ones with a number that makes them unique."""
    unique: list[str] = []
    for label in labels:
        given, number = label, 2
        while given in unique or (given != label and given in labels):
            given, number = f"{label} ({number})", number + 1
        unique.append(given)
    return unique


def differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the settings whose values are not all the same, in order of appearance."""
    names = dict.fromkeys(name for each in settings for name in each)
    return [name for name in names if len({repr(each.get(name)) for each in settings}) > 1]


def on_the_front(quality: Sequence[float], cost: Sequence[float]) -> list[bool]:
    """Which are on the Pareto front: no other is both better and cheaper."""
    q, c = np.asarray(quality, float), np.asarray(cost, float)
    return [not bool(np.any((q >= q[i]) & (c <= c[i]) & ((q > q[i]) | (c < c[i])))) for i in range(len(q))]
