"""The exported files in one folder, each checked against the model, with a report."""

import dataclasses
import shutil
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from core.data.dataset import DataFolder
from core.errors import UserError
from core.export import web_page, web_runtime
from core.export.formats import FORMATS, README_FILE, REPORT_FILE
from core.export.onnx_file import TOLERANCE, OnnxModel, difference_of, first_line, save_onnx, traced
from core.export.quantized import CALIBRATION_PHOTOS, quantize
from core.export.trial import Trial, calibration_photos, compare
from core.inference.predictor import Predictor
from core.models.card import ModelCard, copy_model
from core.system.atomic import part_folder
from core.system.formatting import dimensions, percent
from core.system.score_names import DICE_MEAN, score
from core.system.workspace import make_folder, write_atomically, write_json

NEEDS_ONNX = {"onnx", "script", "int8", "web"}
Tell = Callable[[str], None]


@dataclass
class Made:
    """What was written. `differences`: the largest difference from the model's logits, by file. `int8`: the
    cost of quantisation. `any_size`: whether the network takes pictures of any size. `web`: the bytes of the
    web page's models, by precision."""

    folder: Path
    files: list[str] = field(default_factory=list)
    differences: dict[str, float] = field(default_factory=dict)
    any_size: bool = True
    int8: Trial | None = None
    web: dict[str, int] = field(default_factory=dict)
    summary: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As JSON, without the folder, which is a place on this machine."""
        values = dataclasses.asdict(self)
        del values["folder"]
        return values


def export(
    model: Path,
    target: Path,
    formats: Iterable[str],
    data: DataFolder | None = None,
    tell: Tell = lambda sentence: None,
) -> Made:
    """Write the saved model in `model` to the folder `target` in each of the FORMATS named.

    `data` calibrates int8 (training set) and scores it (validation set). Files of an earlier export are
    replaced. Raises UserError for an unknown format, a model that cannot be exported, or a file whose
    output differs from the model's; then `target` is left as it was.
    """
    wanted = _known(formats)
    predictor = Predictor(model, "cpu")
    make_folder(target.parent)
    if target.is_file():
        raise UserError(f"{target} is a file: name a folder.")
    with part_folder(target) as making:
        made = Made(target)
        if wanted & {*NEEDS_ONNX, "torch"}:
            _graphs(predictor, making, wanted, made, tell)
        if "int8" in wanted:
            _eight_bits(predictor, making, data, made, tell)
        if "script" in wanted:
            shutil.copyfile(Path(__file__).with_name("predict.py"), making / "predict.py")
        if "web" in wanted:
            _web_page(predictor.card, making, made, tell)
        if "smp" in wanted:
            (making / "smp").mkdir()
            copy_model(model, making / "smp")
        if not wanted & {"onnx", "script"}:
            (making / "model.onnx").unlink(missing_ok=True)
        made.files = sorted(str(p.relative_to(making)) for p in making.rglob("*") if p.is_file())
        made.summary = summary(made, predictor.card)
        write_json(making / REPORT_FILE, made.to_dict())
        write_atomically(making / README_FILE, _readme(predictor.card, made))
        target.mkdir(parents=True, exist_ok=True)
        shutil.copytree(making, target, dirs_exist_ok=True)
    return made


def _known(formats: Iterable[str]) -> set[str]:
    wanted = set(formats)
    unknown = wanted - set(FORMATS)
    if unknown or not wanted:
        what = f"'{min(unknown)}'" if unknown else "nothing"
        raise UserError(f"A model cannot be exported as {what}: name any of {', '.join(FORMATS)}.")
    return wanted


def _graphs(predictor: Predictor, folder: Path, wanted: set[str], made: Made, tell: Tell) -> None:
    """The network as ONNX and as a torch.export program, each checked against the model."""
    card, network = predictor.card, predictor.network
    program = None
    if "torch" in wanted:
        tell("Tracing the network.")
        program, made.any_size = traced(network, card)
    if wanted & NEEDS_ONNX:
        tell("Writing ONNX and checking it against the model.")
        file, traced_any_size = folder / "model.onnx", made.any_size
        made.any_size = save_onnx(network, card, file, made.any_size, for_int8="int8" in wanted)
        _accept(file.name, difference_of(network, OnnxModel(file), card, made.any_size), made)
        if program is not None and made.any_size != traced_any_size:
            program, _ = traced(network, card, any_size=False)
    if program is not None:
        tell("Writing the torch.export program and checking it.")
        again = saved_program(program, card, folder / "model.pt2")
        _accept("model.pt2", difference_of(network, again, card, made.any_size), made)


def saved_program(program: torch.export.ExportedProgram, card: ModelCard, file: Path) -> torch.nn.Module:
    """Write a program of torch's and read it back. Raises UserError where torch cannot do either."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of weights that are not on the CPU
            torch.export.save(program, file)
        return torch.export.load(file).module()
    except OSError:
        raise
    except Exception as error:  # torch names its reasons by classes of its own, which are private
        raise UserError(
            f"{card.architecture} with {card.encoder} cannot be written as a torch.export program "
            f"({first_line(error)}): choose ONNX instead."
        ) from error


def _accept(file: str, difference: float, made: Made) -> None:
    if difference > TOLERANCE:
        raise UserError(f"{file} would differ from the model by {difference:.2g}: it is not exported.")
    made.differences[file] = difference


def _eight_bits(predictor: Predictor, folder: Path, data: DataFolder | None, made: Made, tell: Tell) -> None:
    tell("Quantising to int8.")
    photos = calibration_photos(data, CALIBRATION_PHOTOS, predictor.card.window)
    target = folder / "model-int8.onnx"
    quantize(folder / "model.onnx", target, predictor, photos)
    tell("Comparing int8 with the model.")
    full = Predictor.of(OnnxModel(folder / "model.onnx"), predictor.card)
    made.int8 = compare(full, Predictor.of(OnnxModel(target), predictor.card), data)


def _web_page(card: ModelCard, folder: Path, made: Made, tell: Tell) -> None:
    """The page with the full model and, where int8 was asked for too, that one to choose."""
    tell("Writing the web page.")
    models = {web_page.FULL: folder / "model.onnx"}
    if made.int8 is not None:
        models[web_page.INT8] = folder / "model-int8.onnx"
    web_page.write_page(folder / "web", card, not made.any_size, models)
    made.web = {precision: path.stat().st_size for precision, path in models.items()}


def summary(made: Made, card: ModelCard) -> list[str]:
    """The results of the checks as lines of Markdown."""
    lines = [f"`{file}`: logits within {d:.1e} of the model's own." for file, d in made.differences.items()]
    if made.differences:
        size = "any height and width that are multiples of 32"
        fixed = f"exactly {dimensions(card.height, card.width)}"
        lines.append(
            f"Input `images`, float32, any batch, {size if made.any_size else fixed}; output `logits`."
        )
        lines.append("Mean, standard deviation, threshold and classes are in the ONNX file's metadata.")
    if made.web:
        lines.append(f"`web/index.html`: {what_the_page_needs(made.web)}")
        if card.window:
            lines.append(
                f"The web page shows the network whole frames of at most {web_page.WINDOWED_SIDE} pixels, "
                "not windows: for small things in photos use `predict.py`."
            )
    if made.int8 is not None:
        lines.append(f"`model-int8.onnx`: {cost_of_int8(made.int8)}")
    return lines


def _readme(card: ModelCard, made: Made) -> str:
    lines = [f"# {card.name}, exported", "", f"{card.architecture} with `{card.encoder}`.", ""]
    lines += [f"- {line}" for line in made.summary]
    if "predict.py" in made.files:
        lines += ["", "```sh", "pip install onnxruntime numpy pillow", "python predict.py photo.jpg", "```"]
    if made.web:
        lines += [
            "",
            "```sh",
            "python -m http.server --directory web   # then open http://localhost:8000",
            "```",
        ]
        lines += ["", "Browsers open cameras over HTTPS and on localhost only."]
    if "smp/config.json" in made.files:
        lines += ["", "```python", 'model = smp.from_pretrained("smp")', "```"]
    return "\n".join(lines) + "\n"


def what_the_page_needs(sizes: dict[str, int]) -> str:
    """The sizes of the web page's models, and where its runtime is, in two sentences."""
    listed = " and ".join(f"{size / 1e6:.1f} MB ({precision})" for precision, size in sizes.items())
    if web_runtime.is_here():
        return f"the model has {listed}. It works without a network once it was loaded."
    return (
        f"the model has {listed}. It loads ONNX Runtime Web from a CDN; after `python -m core web-runtime`, "
        "an export holds that too."
    )


def cost_of_int8(trial: Trial) -> str:
    """The cost and gain of int8 in a sentence."""
    speed = trial.milliseconds_before / trial.milliseconds_after
    text = (
        f"the same class on {percent(trial.agreement, 2)} of pixels of {trial.photos} photos, "
        f"{speed:.1f} times the speed of the full ONNX file on the machine that made it"
    )
    if trial.dice_before is None or trial.dice_after is None:
        return f"{text}. Not scored, because no data set was given."
    return f"{text}; {DICE_MEAN} {score(trial.dice_before)} before and {score(trial.dice_after)} after."
