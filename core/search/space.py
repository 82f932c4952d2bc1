"""What a search tries: a choice of values for some settings, around those that it begins with."""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.config import SIZE_STEP, STEPPED, TrainConfig
from core.errors import UserError
from core.settings import Setting, setting_of, settings_of

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.distributions import BaseDistribution

SIZE, PATCHES = "size", " patches"  # height and width, as "256x192", or "256x256 patches"
ENCODERS = ("timm-tf_efficientnet_lite0", "mit_b0", "resnet18", "resnet34", "efficientnet-b3")
ARCHITECTURES = ("Unet", "FPN", "MAnet", "Segformer")  # each takes all of these encoders
LOSSES = ("bce+dice", "dice", "focal", "tversky", "lovasz")
AUGMENTATIONS = ("light", "standard", "strong")
SCALES = (0.7, 1.0, 1.4)  # of each side: half as many pixels, or twice as many
RATES = 5.0  # the learning rate is searched down to a fifth of the first one, and up to five times
WORTH_PATCHES = 2.0  # times the pixels of the network's input, from which a photo is worth cutting up
NOT_SEARCHED = ("data", "name", "preset", "height", "width", "sampling")  # the last three are `size`
MOST_COMBINATIONS = 100


@dataclass(frozen=True, slots=True)
class Dimension:
    """One setting that is searched: one of `choices`, or without any a number from `low` to `high` on a
    logarithmic scale."""

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0

    def suggest(self, trial: "Trial") -> Any:
        if self.choices:
            return trial.suggest_categorical(self.name, self.choices)
        return trial.suggest_float(self.name, self.low, self.high, log=True)

    def distribution(self) -> "BaseDistribution":
        from optuna.distributions import CategoricalDistribution, FloatDistribution

        if self.choices:
            return CategoricalDistribution(self.choices)
        return FloatDistribution(self.low, self.high, log=True)


Space = tuple[Dimension, ...]


def around(
    start: TrainConfig,
    encoders: Sequence[str],
    fixed: Collection[str] = (),
    photo: tuple[int, int] | None = None,
) -> Space:
    """What is tried beside the settings `start`, whose own values are among the choices. `encoders` are those
    to be had with their weights; settings in `fixed` stay as they are. `photo` is the usual height and width
    of the photos: large ones are tried in patches too."""
    networks = start.start_from != ""  # weights of a saved model fit one network alone
    architectures = [a for a in ARCHITECTURES if start.encoder_depth == 5 or a in STEPPED]
    rate = start.learning_rate
    dimensions = (
        Dimension("encoder", _with(start.encoder, () if networks else encoders)),
        Dimension("architecture", _with(start.architecture, () if networks else architectures)),
        Dimension(SIZE, _sizes(start, photo)),
        Dimension("loss", _with(start.loss, LOSSES)),
        Dimension("learning_rate", (), max(rate / RATES, 1e-8), min(rate * RATES, 10.0)),
        Dimension("augmentation", _with(start.augmentation, AUGMENTATIONS)),
    )
    if {"height", "width", "sampling"} & {*fixed}:
        fixed = {*fixed, SIZE}
    return tuple(d for d in dimensions if d.name not in fixed and len(d.choices) != 1)


def of_grid(grid: Mapping[str, Sequence[Any]]) -> Space:
    """The space of a sweep: the given values alone."""
    return tuple(Dimension(name, tuple(values)) for name, values in grid.items())


def combinations(grid: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of a sweep's values."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def values_of(config: TrainConfig, names: Iterable[str]) -> dict[str, Any]:
    """What these settings are in a training."""
    size = _size(config.height, config.width, config.sampling)
    return {name: size if name == SIZE else getattr(config, name) for name in names}


def with_values(config: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """The settings with these values instead. Raises UserError where they do not go together."""
    changes = {name: value for name, value in values.items() if name != SIZE}
    if SIZE in values:
        changes["height"], changes["width"], changes["sampling"] = _read_size(str(values[SIZE]))
    if "epochs" in values:
        changes["minutes"] = 0.0  # else the epochs would not matter
    return replace(config, **changes)


def rates_around(rate: float) -> list[float]:
    """Learning rates to offer for a sweep: this one, and a third and three times of it, twice over."""
    return [float(f"{rate * factor:.2g}") if factor != 1 else rate for factor in (1 / 9, 1 / 3, 1, 3, 9)]


def read_grid(text: str) -> dict[str, list[Any]]:
    """The values of a sweep: "encoder=resnet18,resnet34 loss=bce,dice". Raises UserError, naming what is
    wrong, for anything else."""
    grid: dict[str, list[Any]] = {}
    for part in text.split():
        name, sign, listed = part.partition("=")
        values = list(dict.fromkeys(value for value in listed.split(",") if value))
        if not sign or not values:
            raise UserError(
                f"'{part}' cannot be read: write settings as encoder=resnet18,resnet34 loss=bce,dice."
            )
        grid[name.replace("-", "_")] = [_read(name.replace("-", "_"), value) for value in values]
    return checked_grid(grid)


def checked_grid(grid: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """The same. Raises UserError unless there are two combinations or more, and not too many."""
    count = len(combinations(grid)) if grid else 0
    if not 2 <= count <= MOST_COMBINATIONS:
        raise UserError(
            f"A sweep has 2 to {MOST_COMBINATIONS} combinations, and this one has {count}: give other values."
        )
    return {name: list(values) for name, values in grid.items()}


def _read(name: str, text: str) -> Any:
    if name == SIZE:
        return _size(*_read_size(text))
    known = {
        key: (kind, about) for key, kind, _, about in settings_of(TrainConfig) if key not in NOT_SEARCHED
    }
    if name not in known:
        raise UserError(f"There is no setting '{name}' to sweep: choose among {', '.join((SIZE, *known))}.")
    kind, about = known[name]
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise UserError(f"{name} cannot be '{text}': use true or false.")
        return text.lower() == "true"
    try:
        value = kind(text)
    except ValueError:
        raise UserError(f"{name} cannot be '{text}': give a number.") from None
    if problem := about.problem(value):
        raise UserError(f"{name} cannot be '{text}': {problem}.")
    return value


def _read_size(text: str) -> tuple[int, int, str]:
    """Height, width and `sampling`."""
    numbers, _, rest = text.replace("_", " ").partition(" ")
    height, sign, width = numbers.lower().partition("x")
    if not sign or not (height.isdecimal() and width.isdecimal()) or rest not in ("", PATCHES.strip()):
        raise UserError(
            f"The size '{text}' cannot be read: write height and width as 256x192, or 256x256_patches."
        )
    return int(height), int(width), "patches" if rest else "whole"


def _size(height: int, width: int, sampling: str) -> str:
    return f"{height}x{width}{PATCHES if sampling == 'patches' else ''}"


def _sizes(start: TrainConfig, photo: tuple[int, int] | None) -> tuple[str, ...]:
    """Sizes in the same shape as the first one, in steps of 32 pixels; whole photos and patches of the first
    size both, where photos are large."""
    found = {(start.height, start.width, start.sampling)}
    about = setting_of(TrainConfig, "height")
    for scale in SCALES:
        found.add((_side(scale * start.height, about), _side(scale * start.width, about), start.sampling))
    area = start.height * start.width
    if photo and photo[0] * photo[1] >= WORTH_PATCHES * area and min(photo) >= min(start.height, start.width):
        found |= {(start.height, start.width, sampling) for sampling in ("whole", "patches")}
    return tuple(_size(*each) for each in sorted(found, key=lambda each: (each[2], each[0], each[1])))


def _side(pixels: float, about: Setting) -> int:
    steps = round(pixels / SIZE_STEP) * SIZE_STEP
    return int(min(max(steps, 2 * SIZE_STEP), about.high or steps))


def _with(own: str, others: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((own, *others)))
