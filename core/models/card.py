"""The card of a saved model: studio.json for the project, README.md for people.

Imports no torch, so that a page lists models at once.
"""

import dataclasses
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.models.onnx_spec import OnnxSpec
from core.models.preprocessing import LITE_PREPROCESSING, Preprocessing
from core.models.window import Window
from core.policy.permissions import needs
from core.settings import named, setting_of
from core.system.formatting import dimensions, percent
from core.system.score_names import LABELS, renamed, score
from core.system.workspace import read_json, write_atomically, write_json
from core.task import Task

WEIGHTS_FILE, CONFIG_FILE, CARD_FILE, README_FILE = (
    "model.safetensors", "config.json", "studio.json", "README.md",
)  # fmt: skip
ONNX_FILE, ONNX_SUFFIX = "model.onnx", ".onnx"  # of a network from elsewhere, in place of the first two

PATHS = ("data", "start_from")  # settings of a training that name folders


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The card of a saved model. `scores` are fractions in 0..1 by the keys of LABELS, `intervals` their
    95 % intervals where known, `height`/`width` in pixels. `value_range` are the values that are black and
    white in photos of more than 8 bits (core.data.value_range), where the training data say so. `subject` is
    what the foreground shows, in the plural: "people". Licences and subject are "" where not stated. A model
    that was trained on patches has a `window`, and a `long_side` of 0: photos stay at their own size. With
    `refine_edges`, masks have their edges refined along the photo, which harms thin structures. `onnx` is
    how a network from elsewhere is used; its encoder is "" and its preprocessing is in there."""

    name: str
    architecture: str
    encoder: str
    encoder_weights: str
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    height: int = 256
    width: int = 192
    long_side: int = 384
    threshold: float = 0.5
    data: str = ""
    subject: str = ""
    created: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    scored_on: str = ""
    data_licence: str = ""
    weights_licence: str = ""
    tags: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    task: Task = field(default_factory=Task)
    value_range: tuple[float, float] | None = None
    window: Window | None = None
    refine_edges: bool = True
    onnx: OnnxSpec | None = None

    def to_dict(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "task": self.task.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ModelCard":
        """The inverse of `to_dict`; unknown keys are ignored. Raises UserError on wrong types."""
        known = {f.name for f in dataclasses.fields(cls)}
        try:
            kept = {key: value for key, value in values.items() if key in known}
            prep = kept.pop("preprocessing", None)
            if prep:
                mean, std = ([float(v) for v in prep[key]] for key in ("mean", "std"))
                kept["preprocessing"] = Preprocessing((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))
            for key, kind in (("height", int), ("width", int), ("long_side", int), ("threshold", float)):
                kept[key] = kind(kept.get(key, getattr(_DEFAULTS, key)))
            for key in _TEXTS:
                kept[key] = str(kept.get(key, ""))
            kept["tags"] = tuple(str(tag) for tag in kept.get("tags", ()))
            intervals = dict(kept.get("intervals", {}))
            kept["intervals"] = {renamed(str(k)): (float(v[0]), float(v[1])) for k, v in intervals.items()}
            kept["scores"] = {renamed(str(k)): float(v) for k, v in dict(kept.get("scores", {})).items()}
            kept["settings"] = dict(kept.get("settings", {}))
            given = kept.get("value_range")
            kept["value_range"] = (float(given[0]), float(given[1])) if given else None
            kept["task"] = Task.from_dict(dict(kept.get("task", {})))
            kept["refine_edges"] = bool(kept.get("refine_edges", True))
            kept["window"] = _window_of(kept.get("window"))
            kept["onnx"] = OnnxSpec.from_dict(kept["onnx"]) if kept.get("onnx") else None
            return cls(**kept)
        except (TypeError, ValueError, KeyError, IndexError) as error:
            raise UserError(
                f"{CARD_FILE} cannot be read ({error}): restore it or delete the model."
            ) from error


def _window_of(values: Any) -> Window | None:
    if values is None:
        return None
    return Window(int(values["height"]), int(values["width"]), float(values["overlap"]))


_TEXTS = (
    "name", "architecture", "encoder", "encoder_weights", "data", "subject", "created", "scored_on",
    "data_licence", "weights_licence", "text",
)  # fmt: skip
_DEFAULTS = ModelCard("", "", "", "")


def is_model(place: Path) -> bool:
    """Whether this is a model: smp's folder, a folder with an ONNX file and a card, or an ONNX file."""
    return is_network(place) or is_onnx(place)


def is_network(folder: Path) -> bool:
    """Whether this is smp's folder, which can be trained on and exported."""
    return (folder / CONFIG_FILE).is_file() and (folder / WEIGHTS_FILE).is_file()


def is_onnx(place: Path) -> bool:
    """Whether this is a network from elsewhere, as an ONNX file."""
    if place.suffix == ONNX_SUFFIX and place.is_file():
        return True
    return (place / ONNX_FILE).is_file() and (place / CARD_FILE).is_file() and not is_network(place)


def weights_file(place: Path) -> Path:
    """The file that holds a model's weights, whether it is there or not."""
    if place.suffix == ONNX_SUFFIX and place.is_file():
        return place
    return place / (ONNX_FILE if is_onnx(place) else WEIGHTS_FILE)


def read_card(folder: Path, kind: str = "") -> ModelCard:
    """The card of a saved model; for a plain smp folder, what its config.json says.

    `kind`, "multiclass" or "multilabel", is what several classes of a plain folder mean; "": what the
    activation suggests, or one class a pixel. Raises UserError where that leaves it open.
    """
    if folder.suffix == ONNX_SUFFIX and folder.is_file():
        from core.models.onnx_files import card_by_name

        return card_by_name(folder)
    if (folder / CARD_FILE).is_file():
        return ModelCard.from_dict(read_json(folder / CARD_FILE))
    config = read_json(folder / CONFIG_FILE)
    encoder = str(config.get("encoder_name", ""))
    lite = re.fullmatch(r"timm-tf_efficientnet_lite\d", encoder)
    return ModelCard(
        folder.name,
        str(config.get("_model_class", "")),
        encoder,
        "as saved",
        LITE_PREPROCESSING if lite else Preprocessing(),
        task=_task_of(config, kind),
    )


def _task_of(config: dict[str, Any], kind: str) -> Task:
    count = config.get("classes")
    if not (isinstance(count, int) and 1 < count < 256):
        return Task()
    if not kind and config.get("activation") == "sigmoid":
        raise UserError(
            f"{CONFIG_FILE} puts a sigmoid after {count} classes, which may mean one class a pixel or "
            "several labels a pixel: choose which it is when you import the model."
        )
    names = tuple(f"class {i}" for i in range(count))
    return Task(kind, names) if kind == "multilabel" else Task("multiclass", names, tuple(range(count)))


@needs("change")
def update_card(folder: Path, **changes: Any) -> None:
    """Change fields of a saved model's card, such as its name or threshold."""
    card = dataclasses.replace(read_card(folder), **changes)
    write_card(folder, card)


def write_card(folder: Path, card: ModelCard) -> None:
    """Write studio.json and README.md, each atomically."""
    write_json(folder / CARD_FILE, card.to_dict())
    write_atomically(folder / README_FILE, card_text(card))


def without_paths(card: ModelCard) -> ModelCard:
    """The card without settings that name folders, as it may leave this machine or come from another."""
    settings = {
        key: value
        for key, value in card.settings.items()
        if key not in PATHS and not (isinstance(value, str) and ("/" in value or "\\" in value))
    }
    return dataclasses.replace(card, settings=settings)


def copy_model(source: Path, target: Path) -> None:
    """Copy a model's files into the folder `target`, for others: without what names folders here."""
    for name in (CONFIG_FILE, WEIGHTS_FILE, README_FILE):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    if (source / CARD_FILE).is_file():
        write_card(target, without_paths(read_card(source)))


def purpose(card: ModelCard) -> str:
    """What a model with one foreground finds, or else what it was trained on: "Person, lite0 finds people".
    No full stop; "" where the card says neither, and for several classes, which have their names."""
    if card.task.kind != "binary":
        return ""
    unnamed = card.task.classes == Task().classes
    if subject := card.subject or ("" if unnamed else card.task.classes[0]):
        return f"{card.name} finds {subject}"
    return f"{card.name} was trained on {card.data}" if card.data else ""


def weights_megabytes(place: Path) -> float:
    """Size of the weights on disk in MB (10^6 bytes)."""
    return weights_file(place).stat().st_size / 1e6


def card_text(card: ModelCard) -> str:
    """The card as Markdown: the README.md of the model's folder."""
    scores = [f"| {LABELS[k]} | {score_with_interval(card, k)} |" for k in LABELS if k in card.scores]
    sections = [
        f"# {card.name}",
        f"{_made_of(card)}{', ' + card.created if card.created else ''}. {_classes(card.task)}",
        card.text,
        _licences(card),
        _scores_section(scores, card.scored_on),
        _onnx_usage(card.onnx) if card.onnx else _usage(card),
        _settings_section(card.settings),
    ]
    return "\n\n".join(s for s in sections if s) + "\n"


def _made_of(card: ModelCard) -> str:
    if card.onnx:
        return f"{card.architecture}, a network from elsewhere as an ONNX file"
    return (
        f"{card.architecture} with the encoder `{card.encoder}` (start: {card.encoder_weights}), "
        f"trained on {card.data or 'unnamed data'}"
    )


def _onnx_usage(spec: OnnxSpec) -> str:
    size = f"about {spec.long_side} pixels" if spec.are_free else f"{spec.width}x{spec.height} pixels"
    fit, scaling, meaning = (
        named(setting_of(OnnxSpec, name), getattr(spec, name)) for name in ("fit", "scaling", "meaning")
    )
    return (
        f"## Use\n\nInput: {spec.order}, {size}, {fit.lower()}; values {scaling}, minus {list(spec.mean)}, "
        f"divided by {list(spec.std)}. Output {spec.output + 1}: {meaning.lower()}."
    )


def score_with_interval(card: ModelCard, key: str) -> str:
    """A score, with its interval if there is one."""
    value, ends = card.scores[key], card.intervals.get(key)
    return f"{score(value)} ({score(ends[0])} to {score(ends[1])})" if ends else score(value)


def _licences(card: ModelCard) -> str:
    known = [("Data", card.data_licence), ("Encoder weights", card.weights_licence)]
    return "\n\n".join(f"{what}: {licence}." for what, licence in known if licence)


def _scores_section(rows: list[str], scored_on: str) -> str:
    if not rows:
        return ""
    table = "\n".join(["| score | value |", "|---|---|", *rows])
    return f"## Scores\n\n{scored_on}\n\n{table}" if scored_on else f"## Scores\n\n{table}"


def _usage(card: ModelCard) -> str:
    prep = card.preprocessing
    # The file lacks the stages that a shallower encoder does not run.
    loosely = ", strict=False" if card.settings.get("encoder_depth", 5) < 5 else ""
    return (
        "## Use\n\n"
        "```python\n"
        "import segmentation_models_pytorch as smp\n\n"
        f'model = smp.from_pretrained("path/to/this/folder"{loosely}).eval()\n'
        "```\n\n"
        f"Input: RGB in 0..1, minus {list(prep.mean)}, divided by {list(prep.std)}; height and "
        f"width multiples of 32; {_size(card)}. Output: logits; {_reading(card)}"
    )


def _size(card: ModelCard) -> str:
    if card.window is None:
        return f"the longer side about {card.long_side} pixels"
    w = card.window
    photo = f"photo resized to {card.long_side} pixels" if card.long_side else "photo at its own size"
    overlap = percent(w.overlap, 0)
    return (
        f"windows of {dimensions(w.height, w.width)} of the {photo}, overlapping by {overlap} and "
        "averaged with Gaussian weights"
    )


def _classes(task: Task) -> str:
    if task.kind == "binary":
        return "One class: foreground."
    listed = ", ".join(f"{i} {name}" for i, name in enumerate(task.classes))
    return f"Classes, one a pixel: {listed}." if task.kind == "multiclass" else f"Labels: {listed}."


def _reading(card: ModelCard) -> str:
    if card.task.kind == "multiclass":
        return "the class of a pixel is the channel with the largest."
    what = "foreground" if card.task.kind == "binary" else "a label holds"
    plain = "" if card.refine_edges else " Edges are not refined along the photo: plain masks scored better."
    return f"{what} where sigmoid(logit) >= {card.threshold:g}.{plain}"


def _settings_section(settings: dict[str, Any]) -> str:
    rows = [f"| {k} | {v} |" for k, v in settings.items() if k not in (*PATHS, "name") and v != ""]
    return "\n".join(["## Training settings", "", "| setting | value |", "|---|---|", *rows]) if rows else ""
