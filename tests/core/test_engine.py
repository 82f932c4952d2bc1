"""What the engine promises beyond one plain training."""

import csv
import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.config import DPT_ENCODER
from core.data.dataset import as_task, open_data
from core.data.store import Store, build_store
from core.errors import UserError
from core.inference.predictor import Predictor
from core.models.factory import build_model, load_model
from core.runs import run_folder
from core.runs.events import EpochEnd, Note, RateFound, RatePoint, Started
from core.runs.run_folder import History, Run
from core.task import Task
from core.training import loading, worker
from core.training import steps as steps_module
from core.training.depthwise import FastDepthwise
from core.training.losses import class_weights, make_loss
from core.training.lr_finder import steepest, sweep
from core.training.memory import is_out_of_memory, keep_freed_memory
from core.training.optimizers import average_of, make_optimizer
from tests.builders import LIGHT_ENCODER, of, tiny, trained, write_camera

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("loss", ["focal", "tversky", "lovasz"])
@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_more_losses_and_schedules_run(small_data: Path, tmp_path: Path, loss: str, schedule: str) -> None:
    config = tiny(small_data, loss=loss, schedule=schedule, optimizer="sgd", gradient_clip=1.0, epochs=1)
    assert all(np.isfinite(e.validation_loss) for e in of(EpochEnd, trained(config, tmp_path / "run")))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("loss", ["bce", "dice", "bce+dice", "focal", "tversky", "lovasz"])
def test_every_loss_is_smaller_for_the_truth_than_for_its_opposite(kind: str, loss: str) -> None:
    names = ("a", "b", "c")
    tasks = {
        "binary": Task(),
        "multiclass": Task("multiclass", names, (0, 1, 2)),
        "multilabel": Task("multilabel", names),
    }
    task = tasks[kind]
    labels = torch.randint(0, 2 if kind == "binary" else 3, (2, 16, 16), dtype=torch.uint8)
    target = task.target(labels)
    if kind == "multiclass":
        target = torch.nn.functional.one_hot(target, 3).permute(0, 3, 1, 2).float()
    right = (target * 2 - 1) * 6
    function = make_loss(tiny(Path("x"), loss=loss), task)
    assert function(right, labels) < 0.1 < function(-right, labels)


def test_ignored_pixels_change_no_loss() -> None:
    task = Task("multiclass", ("a", "b"), (0, 1))
    labels = torch.randint(0, 2, (1, 8, 8), dtype=torch.uint8)
    labels[:, :4] = 255
    logits = torch.randn(1, 2, 8, 8)
    other = logits.clone()
    other[:, :, :4] = torch.randn(1, 2, 4, 8) * 9
    for loss in ("bce", "dice", "bce+dice", "focal", "tversky", "lovasz"):
        function = make_loss(tiny(Path("x"), loss=loss), task)
        assert function(logits, labels).item() == pytest.approx(function(other, labels).item(), abs=1e-5), (
            loss
        )


def test_balanced_weights_lift_the_rare_class(small_data: Path) -> None:
    data = open_data(small_data)
    store = next(s for s in build_store(data.pairs, data.rule, 64) if isinstance(s, Store))
    share = float(np.mean(store.labels))
    (weight,) = class_weights(store, Task()).tolist()
    assert weight == pytest.approx(min(10, max(0.1, (1 - share) / share)), rel=0.02)


def test_a_frozen_encoder_does_not_move_and_the_rest_does(small_data: Path, tmp_path: Path) -> None:
    config = tiny(small_data, freeze_encoder=True, ema_decay=0.0, epochs=1, seed=3)
    torch.manual_seed(3)
    before = build_model(config).model.state_dict()
    trained(config, tmp_path / "run")
    after = load_model(tmp_path / "run" / "last")[0].state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before if k.startswith("encoder."))
    assert any(not torch.equal(before[k], after[k]) for k in before if k.startswith("decoder."))


def test_the_encoder_has_its_own_rate_and_norms_are_not_decayed() -> None:
    config = tiny(Path("x"), encoder_lr_multiplier=0.1, learning_rate=1e-2)
    model = build_model(config).model
    groups = make_optimizer(config, model).param_groups
    encoder = {id(p) for p in model.get_submodule("encoder").parameters()}
    for group in groups:
        inside = {id(p) in encoder for p in group["params"]}
        assert inside == {group["lr"] == pytest.approx(1e-3)}
        assert {p.ndim > 1 for p in group["params"]} == {group["weight_decay"] > 0}
    assert sum(len(g["params"]) for g in groups) == len(list(model.parameters()))


def test_pieces_of_a_batch_give_the_step_of_the_whole(small_data: Path, tmp_path: Path) -> None:
    """Without normalisation over the batch, a step in two pieces is the step in one."""
    config = tiny(small_data, freeze_encoder=True, ema_decay=0.0, epochs=1, augmentation="none", loss="bce")
    config = replace(config, architecture="FPN")  # its norms are over groups of channels
    whole = of(EpochEnd, trained(config, tmp_path / "one"))[-1]
    parts = of(EpochEnd, trained(replace(config, batch_size=2, accumulate=2), tmp_path / "two"))[-1]
    assert parts.train_loss == pytest.approx(whole.train_loss, rel=0.25)


def test_running_out_of_memory_halves_the_batch_and_goes_on(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, sizes = steps_module.take_step, []

    def greedy(trainer, pictures, labels):
        each = -(-len(pictures) // trainer.micro_batches)
        sizes.append(each)
        if each > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return real(trainer, pictures, labels)

    monkeypatch.setattr(steps_module, "take_step", greedy)
    events = trained(tiny(small_data, epochs=1), tmp_path / "run")
    warned = [n.text for n in of(Note, events) if "Memory" in n.text]
    assert len(warned) == 2 and "1 at a time" in warned[-1]
    assert sizes[:3] == [4, 2, 1] and of(EpochEnd, events)[-1].epoch == 1


def test_when_not_one_image_fits_it_is_said(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(trainer, pictures, labels):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes")

    monkeypatch.setattr(steps_module, "take_step", never)
    with pytest.raises(UserError, match="smaller batch"):
        trained(tiny(small_data, epochs=1), tmp_path / "run")
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


def test_an_exploding_loss_is_said(small_data: Path, tmp_path: Path) -> None:
    config = tiny(small_data, learning_rate=10.0, optimizer="sgd", loss="bce", schedule="constant", epochs=40,
                  ema_decay=0.0)  # fmt: skip
    with pytest.raises(UserError, match="diverged"):
        trained(config, tmp_path / "run")


def test_early_stopping_ends_a_training_that_gains_nothing(small_data: Path, tmp_path: Path) -> None:
    config = tiny(
        small_data, learning_rate=1e-8, epochs=30, early_stopping=2, ema_decay=0.0, schedule="constant"
    )
    events = trained(config, tmp_path / "run")
    assert of(EpochEnd, events)[-1].epoch < 30
    assert any("Stopped early" in n.text for n in of(Note, events))


def test_the_batch_size_is_found(small_data: Path, tmp_path: Path) -> None:
    events = trained(tiny(small_data, batch_size=0, epochs=1), tmp_path / "run")
    assert any(n.text.startswith("Batch size: ") for n in of(Note, events))
    assert of(Started, events)[0].steps_per_epoch == 4  # eight photos: two a step, for there is no smaller


def test_the_backward_pass_of_depthwise_convolutions_is_right() -> None:
    torch.manual_seed(0)
    for channels, kernel, stride in ((8, 5, 1), (8, 3, 2), (6, 5, 2)):
        layer = torch.nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)
        images = torch.randn(2, channels, 17, 13, requires_grad=True)
        expected = torch.autograd.grad(layer(images).square().sum(), [images, layer.weight])
        with FastDepthwise(), torch.autocast("cpu", torch.bfloat16):
            result = layer(images)
        assert result.dtype == torch.bfloat16
        got = torch.autograd.grad(result.float().square().sum(), [images, layer.weight])
        for one, other in zip(expected, got, strict=True):
            assert torch.allclose(one, other, rtol=0.05, atol=0.05 * one.abs().max().item())


def test_the_running_average_follows_the_published_warm_up() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    average = average_of(model, 0.5)
    expected = None
    for step, value in enumerate((1.0, 2.0, 4.0, 8.0)):
        torch.nn.init.constant_(model.weight, value)
        average.update_parameters(model)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = value if expected is None else decay * expected + (1 - decay) * value
        assert average.module.weight.item() == pytest.approx(expected)


def test_a_sweep_finds_a_rate_that_trains(small_data: Path) -> None:
    events = list(sweep(tiny(small_data)))
    points, found = of(RatePoint, events), of(RateFound, events)[0].rate
    assert len(points) > 30 and points[0].rate < points[-1].rate
    assert points[0].rate <= found <= points[-1].rate


def test_the_steepest_point_is_found() -> None:
    points = [RatePoint(i, 60, 10 ** (-6 + i / 10), 0.0, 1 / (1 + np.exp((i - 30) / 3))) for i in range(60)]
    assert steepest(points) == pytest.approx(1e-3, rel=0.3)


def test_several_classes_are_learnt_and_void_is_ignored(tmp_path: Path) -> None:
    data = write_camera(tmp_path / "camera", 16)
    config = tiny(
        data, task="multiclass", ignore_index=7, class_names="sky, road, car", epochs=10, width=64,
        encoder="timm-tf_efficientnet_lite0", encoder_weights="auto", learning_rate=3e-3, ema_decay=0.0,
        augmentation="none", class_weights="balanced",
    )  # fmt: skip
    events = trained(config, tmp_path / "run")
    last = of(EpochEnd, events)[-1]
    assert len(last.class_dice) == 3 and last.dice_pooled > 0.8 and last.pixel_accuracy > 0.9
    assert last.dice_pooled == pytest.approx(float(np.mean(last.class_dice)))
    card = load_model(tmp_path / "run" / "best")[1]
    assert card.task == Task("multiclass", ("sky", "road", "car"), (0, 1, 2), 7)


def test_several_labels_a_pixel_are_learnt(tmp_path: Path) -> None:
    data = write_camera(tmp_path / "camera", 12)
    for name, value in (("ground", (1, 2)), ("car", (2,))):
        (data / "masks" / name).mkdir()
        for path in sorted((data / "masks").glob("*.png")):
            inside = np.isin(np.asarray(Image.open(path)), value)
            if name == "ground" or path.stem != "0":  # a photo may lack a label's file
                Image.fromarray(inside.astype(np.uint8) * np.uint8(255)).save(
                    data / "masks" / name / path.name
                )
    for path in (data / "masks").glob("*.png"):
        path.unlink()
    opened = open_data(data)
    assert opened.rule.task == Task("multilabel", ("car", "ground")) and not opened.problems
    config = tiny(
        data, epochs=12, width=64, encoder="timm-tf_efficientnet_lite0", encoder_weights="auto",
        learning_rate=3e-3, ema_decay=0.0, augmentation="none",
    )  # fmt: skip
    last = of(EpochEnd, trained(config, tmp_path / "run"))[-1]
    assert len(last.class_dice) == 2 and last.dice_pooled > 0.75


def test_camvid_opens_with_its_own_split(shared_data: Path) -> None:
    data = as_task(open_data(shared_data / "camvid"), "multiclass", 11)
    assert (len(data.part("train")), len(data.part("validation"))) == (62, 26)
    assert data.rule.task.outputs == 11 and data.rule.task.void == 11


WITHOUT_CHANCE = """
import sys, torch
from core import cli
from core.training import loop

build = loop.build_model

def without_dropout(config, task):
    built = build(config, task)
    for module in built.model.modules():
        if isinstance(module, torch.nn.Dropout | torch.nn.Dropout2d):
            module.p = 0.0
    return built

loop.build_model = without_dropout
sys.exit(cli.main(sys.argv[1:]))
"""


def test_two_processes_score_as_one_and_learn_the_same_from_the_same_images(
    small_data: Path, tmp_path: Path
) -> None:
    """With norms over groups of channels and no dropout, nothing depends on who has which image, even
    where one has four and the other three."""
    script = tmp_path / "train.py"
    script.write_text(WITHOUT_CHANCE)

    def run(folder: Path, launcher: list[str]) -> list[EpochEnd]:
        arguments = (
            f"train --data {small_data} --out {folder} --encoder {LIGHT_ENCODER} --epochs 2 --device cpu "
            "--encoder-weights none --height 64 --width 64 --batch-size 8 --images-per-epoch 7 "
            "--precision fp32 --loss bce+dice --augmentation none --freeze-encoder --architecture FPN "
            "--optimizer sgd --learning-rate 0.01 --json"
        ).split()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROJECT)}
        done = subprocess.run(
            [sys.executable, *launcher, str(script), *arguments],
            cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        json.loads(done.stdout.strip().splitlines()[-1])
        return History(Run(folder)).refresh().epochs

    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    one, two = run(tmp_path / "one", []), run(tmp_path / "two", torchrun)
    assert [e.epoch for e in two] == [0, 1, 2]
    untrained = [
        (e[0].dice_pooled, e[0].validation_loss, e[0].dice_mean, e[0].pixel_accuracy) for e in (one, two)
    ]
    assert untrained[0] == untrained[1]
    assert abs(one[-1].validation_loss - one[0].validation_loss) > 1e-3
    for alone, together in zip(one, two, strict=True):
        assert together.validation_loss == pytest.approx(alone.validation_loss, abs=1e-5)
        assert together.dice_pooled == pytest.approx(alone.dice_pooled, abs=1e-4)
    assert load_model(tmp_path / "two" / "last")[1].scores["dice_pooled"] == two[-1].dice_pooled


def test_asking_for_two_processes_starts_them(small_data: Path, tmp_path: Path) -> None:
    """What the page does: settings that name two devices, and one command."""
    run = run_folder.create(tiny(small_data, devices=2, epochs=1))
    done = subprocess.run(
        [sys.executable, "-m", "core", "train", "--run-folder", str(run.folder)],
        cwd=PROJECT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    history = History(run).refresh()
    assert run.status().state == "finished" and history.started is not None
    assert history.started.device.startswith("2 x ")


def test_tensorboard_and_csv_lie_beside_the_run(small_data: Path) -> None:
    run = run_folder.create(tiny(small_data, epochs=2))
    worker.work(run)
    files = list((run.folder / "tensorboard").glob("events.out.tfevents*"))
    assert files and b"validation/dice" in files[0].read_bytes()
    rows = list(csv.DictReader((run.folder / "metrics.csv").open()))
    assert [int(r["epoch"]) for r in rows] == [0, 1, 2]
    assert float(rows[-1]["dice_pooled"]) == History(run).refresh().epochs[-1].dice_pooled


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_logger_that_is_not_installed_is_said(small_data: Path, name: str) -> None:
    if find_spec(name):
        pytest.skip(f"{name} is installed here")
    run = run_folder.create(tiny(small_data, loggers=name))
    with pytest.raises(UserError, match="pip install"):
        worker.work(run)


def test_keeping_memory_does_no_harm() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from core.training.memory import keep_freed_memory as k; print(k())"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == str(sys.platform == "linux")
    assert callable(keep_freed_memory)


def test_loader_processes_give_the_batches_of_none(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = open_data(small_data)
    store = next(s for s in build_store(data.pairs, data.rule, 86) if isinstance(s, Store))
    assert len(pickle.dumps(store)) < 1000
    config = tiny(small_data, augmentation="strong")
    alone = list(loading.training_batches(config, store, "cpu"))
    monkeypatch.setattr(loading, "loader_processes", lambda device, world: 2)
    several = list(loading.training_batches(config, store, "cpu"))
    assert len(alone) == len(several) == 2
    for one, other in zip(alone, several, strict=True):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])


def test_a_logger_that_fails_is_left_out_and_the_training_goes_on(
    small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lightning_fabric.loggers import TensorBoardLogger

    def unreachable(self: object, *arguments: object) -> None:
        raise ConnectionError("the server does not answer")

    monkeypatch.setattr(TensorBoardLogger, "log_metrics", unreachable)
    run = run_folder.create(tiny(small_data, epochs=1))
    assert worker.work(run) == "finished"
    warned = [n.text for n in History(run).refresh().notes if n.level == "warning"]
    assert any("does not answer" in text for text in warned)


@pytest.mark.parametrize("architecture", ["DPT", "Segformer", "DeepLabV3Plus"])
def test_other_architectures_train_and_open_again(
    small_data: Path, tmp_path: Path, architecture: str
) -> None:
    encoder = DPT_ENCODER if architecture == "DPT" else "resnet18"
    config = tiny(small_data, architecture=architecture, encoder=encoder, width=64, epochs=1)
    trained(config, tmp_path / "run")
    model, card = load_model(tmp_path / "run" / "best")
    assert card.architecture == architecture
    assert Predictor.of(model, card)(np.zeros((96, 128, 3), np.uint8)).shape == (96, 128)


def test_an_encoder_that_dpt_cannot_take_is_refused_at_once() -> None:
    with pytest.raises(UserError, match="vision transformer"):
        tiny(Path("x"), architecture="DPT")
