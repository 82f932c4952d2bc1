"""Splitting photos into training, validation and test set."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.data.dataset import DATASET_FILE, SPLIT_SEED, DataFolder, open_data
from core.data.split_record import LATER, Split, SplitRecord, group_of
from core.errors import UserError
from core.policy.permissions import needs
from core.system.formatting import percent
from core.system.workspace import write_json

KINDS = ("random", "stratified", "grouped", "listed")
STRATA = 10
FRAMES = r"^(.*?)[-_ ]?\d+\.\w+$"  # film-012.jpg: everything before the last number


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """`kind`: "random"; "stratified", sets alike in foreground share; "grouped", photos whose names
    have the same text matched by `pattern` stay together; "listed", by `validation_names` and
    `test_names`. Shares are fractions of all photos. With `folds`, validation is fold number `fold`
    (from 1) of this many equal ones."""

    kind: str = "random"
    validation: float = 0.2
    test: float = 0.0
    seed: int = SPLIT_SEED
    pattern: str = FRAMES
    folds: int = 0
    fold: int = 1
    validation_names: tuple[str, ...] = ()
    test_names: tuple[str, ...] = ()


def make_split(plan: SplitPlan, names: Sequence[str], foreground: Mapping[str, float] | None = None) -> Split:
    """Split these names. `foreground` is each photo's share, for "stratified".

    Deterministic by seed. Raises UserError when training or validation would be empty.
    """
    if plan.kind == "listed":
        return _listed(plan, names)
    if not 0 <= plan.test < 1 or not 0 < plan.validation < 1 or plan.validation + plan.test >= 1:
        raise UserError("The shares of validation and test must leave something to train on.")
    units = _units(plan, names, foreground or {})
    order = _order(plan, units, foreground or {})
    test, rest = _dealt(order, plan.test)
    if plan.folds:
        if not 2 <= plan.folds <= len(rest) or not 1 <= plan.fold <= plan.folds:
            raise UserError(f"{len(rest)} photos or groups cannot be split into {plan.folds} folds.")
        validation = rest[plan.fold - 1 :: plan.folds]
        train = [unit for i, unit in enumerate(rest) if i % plan.folds != plan.fold - 1]
    else:
        validation, train = _dealt(rest, plan.validation / (1 - plan.test))
        if not validation:
            validation, train = train[:1], train[1:]
    return _checked(Split(_flat(train), _flat(validation), _flat(test)))


@needs("change")
def apply_split(data: DataFolder, split: Split, plan: SplitPlan) -> DataFolder:
    """Write the split into dataset.json, with the plan that it was made by, in words.

    Later photos join training or validation by the same shares, or go where their group is, where
    the plan keeps groups together. Photos that are excluded now never train if they were held out before.
    """
    path = data.root / DATASET_FILE
    about = open_data(data.root).about
    record = SplitRecord.from_dict(about).resplit(split, plan.pattern if plan.kind == "grouped" else "")
    about.pop(LATER, None)
    try:
        write_json(path, {**about, **record.to_dict(), "split_made": described(plan)})
    except OSError as error:
        raise UserError(
            f"{data.root} cannot be written to: import the data set into the app first."
        ) from error
    return open_data(data.root)


@needs("change")
def hold_out_test(data: DataFolder, share: float, least: int = 1, seed: int = SPLIT_SEED) -> DataFolder:
    """Move this share of all photos, or `least` if that is more, from training to the test set, but at most a
    third of training. Drawn by the seed, groups whole.

    The validation set stays as it is, and so does a data set that has a test set. Raises UserError where
    nothing would be left to train on, or the folder cannot be written to.
    """
    if data.split.test:
        return data
    record = SplitRecord.from_dict(data.about)
    wanted = min(max(least, round(share * len(data.pairs))), len(data.split.train) // 3)
    units = _units(
        SplitPlan("grouped" if record.pattern else "random", pattern=record.pattern), data.split.train, {}
    )
    random.Random(seed).shuffle(units)
    test = {name for unit in _dealt(units, wanted / max(1, len(data.split.train)))[0] for name in unit}
    if not test:
        raise UserError(f"{data.name} has too few training photos for a test set: add photos.")
    record = replace(record, split_of={**record.split_of, **dict.fromkeys(test, "test")})
    before = str(data.about.get("split_made") or "a fifth at random")
    made = f"{before}; test set of {len(test)} from training, seed {seed}"
    try:
        write_json(data.root / DATASET_FILE, {**data.about, **record.to_dict(), "split_made": made})
    except (OSError, UserError) as error:
        raise UserError(
            f"{data.root} cannot be written to, and has no test set: import the data set into the app first."
        ) from error
    return open_data(data.root)


def described(plan: SplitPlan) -> str:
    """How a split was made, in words."""
    if plan.kind == "listed":
        return "by lists of names"
    ways = {
        "random": "at random",
        "stratified": "balanced foreground",
        "grouped": f"in groups by {plan.pattern}",
    }
    fold = (
        f", fold {plan.fold} of {plan.folds}"
        if plan.folds
        else f", {percent(plan.validation, 0)} for validation"
    )
    test = f", {percent(plan.test, 0)} for test" if plan.test else ""
    return f"{ways[plan.kind]}{fold}{test}, seed {plan.seed}"


def _units(plan: SplitPlan, names: Sequence[str], foreground: Mapping[str, float]) -> list[tuple[str, ...]]:
    if plan.kind != "grouped":
        return [(name,) for name in sorted(names)]
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault(group_of(name, plan.pattern), []).append(name)
    if len(groups) < 2:
        raise UserError(
            f"The pattern '{plan.pattern}' puts all photos into one group: make it more specific."
        )
    return [tuple(group) for group in groups.values()]


def _order(
    plan: SplitPlan, units: list[tuple[str, ...]], foreground: Mapping[str, float]
) -> list[tuple[str, ...]]:
    """Shuffled; for "stratified" such that every stretch of it holds all foreground shares alike."""
    dice = random.Random(plan.seed)
    shuffled = list(units)
    dice.shuffle(shuffled)
    if plan.kind != "stratified":
        return shuffled
    ranked = sorted(shuffled, key=lambda unit: foreground.get(unit[0], 0.0))
    size = max(1, -(-len(ranked) // STRATA))
    strata = [ranked[i : i + size] for i in range(0, len(ranked), size)]
    placed = []
    for stratum in strata:
        dice.shuffle(stratum)
        placed += [((i + dice.random()) / len(stratum), unit) for i, unit in enumerate(stratum)]
    return [unit for _, unit in sorted(placed, key=lambda entry: entry[0])]


def _dealt(order: list[tuple[str, ...]], share: float) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """The first units, up to this share of all photos, and the others."""
    wanted = round(share * sum(map(len, order)))
    taken: list[tuple[str, ...]] = []
    count = 0
    rest = []
    for unit in order:
        # A group that is larger than what is still wanted goes to the others, if most of it is too much.
        if count + len(unit) / 2 <= wanted and wanted:
            taken.append(unit)
            count += len(unit)
        else:
            rest.append(unit)
    return taken, rest


def _listed(plan: SplitPlan, names: Sequence[str]) -> Split:
    known: dict[str, list[str]] = {}
    for name in names:  # lists often give stems, or names without their split's folder
        base = name.rsplit("/", 1)[-1]
        for short in {base, base.rsplit(".", 1)[0], name.rsplit(".", 1)[0]} - {name}:
            known.setdefault(short, []).append(name)
    known |= {name: [name] for name in names}

    def found(wanted: Sequence[str]) -> set[str]:
        for name in wanted:
            if name not in known:
                raise UserError(f"The list names {name}, which is not a photo of this data set.")
            if len(known[name]) > 1:
                raise UserError(
                    f"The list names {name}, which may be {' or '.join(known[name][:3])}: "
                    "write the name with its folder and suffix."
                )
        return {known[name][0] for name in wanted}

    test = found(plan.test_names)
    validation = found(plan.validation_names) - test
    train = set(names) - validation - test
    return _checked(Split(_flat([tuple(train)]), _flat([tuple(validation)]), _flat([tuple(test)])))


def _checked(split: Split) -> Split:
    for called, names in (("training", split.train), ("validation", split.validation)):
        if not names:
            raise UserError(f"This leaves no photo for {called}: choose other shares.")
    return split


def _flat(units: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted(name for unit in units for name in unit))
