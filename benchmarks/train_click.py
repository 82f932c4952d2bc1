"""Train checkpoints/click-lite0 by iterative simulated clicks (Sofiiuk et al., 2021).

    python benchmarks/train_click.py --source ../shared/data --out runs/click --minutes 65

    python benchmarks/train_click.py --source ../shared/data --out runs/click --minutes 45 \
        --start-from checkpoints/click-lite0 --encoder checkpoints/subject-lite0 --rate 0.0005

A sample stays for up to eight steps: each step's answer becomes the mask before of the next, with one more
click on its largest error, so no answer is computed for the clicks alone. Half of the samples start with a
first click, the others with a damaged mask and a click that corrects it. The encoder is that of a model for
photos and stays as it is; the decoder is trained. Killed and started again, it continues from its last
checkpoint.
"""

import argparse
import json
import math
import random as python_random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from click_data import Stored, sample, stored

from core.labelling.click_model import Encoded, load_click_model, started_from
from core.labelling.prompts import Click
from core.labelling.simulation import next_click
from core.system.device import multiplies_bf16
from core.system.workspace import SHIPPED_MODELS

SIDES = ((0.35, 128), (0.8, 160), (1.0, 192))  # until this share of the time, crops of so many pixels
MOST_CLICKS = 8
STAYS = 0.75  # the chance that a sample stays for another click
ERROR_WEIGHT = 4.0  # more for a pixel of the error that was clicked on
NEAR, NEAR_WEIGHT = 12.0, 3.0  # pixels and weight of the loss around clicks
EMA = 0.99
SAVE_EVERY = 180  # seconds


@dataclass
class Live:
    """A crop that is being clicked on."""

    encoded: Encoded  # of this crop alone
    truth: np.ndarray
    void: np.ndarray
    before: np.ndarray
    clicks: list[Click] = field(default_factory=list)
    error: np.ndarray | None = None  # the region that the last click corrects


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("/tmp/click_cache"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=65)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--encoder", type=Path, default=SHIPPED_MODELS / "person-lite0")
    parser.add_argument("--start-from", type=Path, help="a click model whose decoder is trained further")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    data = stored(args.source, args.cache)
    Training(args, data).run()


def lower_precision() -> torch.autocast:
    """bfloat16 where the processor multiplies it itself, as in core.training."""
    return torch.autocast("cpu", torch.bfloat16, enabled=multiplies_bf16("cpu"))


class Training:
    def __init__(self, args: argparse.Namespace, data: Stored) -> None:
        self.args, self.data = args, data
        self.network = started_from(args.encoder).eval()  # norms keep their statistics
        if args.start_from:
            learnt = load_click_model(args.start_from)
            self.network.decoder.load_state_dict(learnt.decoder.state_dict())
            self.network.segmentation_head.load_state_dict(learnt.segmentation_head.state_dict())
        self.network.encoder.requires_grad_(False)
        self.network.to(memory_format=torch.channels_last)
        self.weights = [p for p in self.network.parameters() if p.requires_grad]
        self.average = [p.detach().clone() for p in self.weights]
        self.optimizer = torch.optim.AdamW(self.weights, lr=args.rate, weight_decay=1e-3, betas=(0.9, 0.99))
        self.steps, self.elapsed = 0, 0.0
        self.file = args.out / "state.pt"
        if self.file.is_file():
            self._resume()
        self.random = np.random.default_rng(self.steps)
        python_random.seed(self.steps)

    def run(self) -> None:
        live: list[Live] = []
        seen: list[list[float]] = [[] for _ in range(MOST_CLICKS + 1)]
        last_save = last_note = time.time()
        side = 0
        while self.elapsed < self.args.minutes * 60:
            start = time.time()
            share = self.elapsed / (self.args.minutes * 60)
            wanted = next(s for until, s in SIDES if share < until)
            if wanted != side:
                side, live = wanted, []
            live += self._fresh(side, self.args.batch - len(live))
            logits = self._step(live, share)
            live = self._continued(live, logits, seen)
            self.steps += 1
            self.elapsed += time.time() - start
            if time.time() - last_note > 60:
                last_note = time.time()
                dice = [round(float(np.mean(s[-200:])), 3) if s else 0 for s in seen[1:]]
                seen = [s[-200:] for s in seen]
                print(json.dumps({"step": self.steps, "minutes": round(self.elapsed / 60, 1), "side": side,
                                  "dice": dice}), flush=True)  # fmt: skip
            if time.time() - last_save > SAVE_EVERY:
                last_save = time.time()
                self._save()
        self._save()

    def _fresh(self, side: int, count: int) -> list[Live]:
        if not count:
            return []
        samples = [sample(self.data, side, self.random) for _ in range(count)]
        photos = torch.from_numpy(np.stack([s.photo.transpose(2, 0, 1) for s in samples]))
        with torch.no_grad(), lower_precision():
            encoded = self.network.encode(photos)
        found = []
        for i, made in enumerate(samples):
            own = Encoded(
                [f[i : i + 1].clone() for f in encoded.own], [f[i : i + 1].clone() for f in encoded.general]
            )
            found.append(start(own, made.truth, made.void, self.random))
        return found

    def _step(self, live: list[Live], share: float) -> np.ndarray:
        """One step of the optimizer. Returns the logits (batch, side, side) before it."""
        for group in self.optimizer.param_groups:
            warm = min(1.0, (self.steps + 1) / 30)
            cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
            group["lr"] = self.args.rate * warm * (0.02 + 0.98 * cosine)
        encoded = Encoded(*([torch.cat(maps) for maps in zip(*which, strict=True)] for which in
                            ([x.encoded.own for x in live], [x.encoded.general for x in live])))  # fmt: skip
        before = torch.from_numpy(np.stack([x.before for x in live]))[:, None]
        with lower_precision():
            logits = self.network.decode(encoded, [x.clicks for x in live], before).float()
        truth = torch.from_numpy(np.stack([x.truth for x in live])).float()[:, None]
        weights = torch.from_numpy(np.stack([weight_of(x) for x in live]))[:, None]
        loss_of(logits, truth, weights).backward()
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        decay = min(EMA, (self.steps + 1) / (self.steps + 10))
        with torch.no_grad():
            torch._foreach_lerp_(self.average, self.weights, 1 - decay)
        return logits.detach()[:, 0].numpy()

    def _continued(self, live: list[Live], logits: np.ndarray, seen: list[list[float]]) -> list[Live]:
        """Those that stay, with their answers as masks before and one click more."""
        stay = []
        for one, values in zip(live, logits, strict=True):
            found = values > 0
            inside = ~one.void
            both = (found & one.truth & inside).sum()
            dice = 2 * both / max(1, (found & inside).sum() + (one.truth & inside).sum())
            seen[min(len(one.clicks), MOST_CLICKS)].append(float(dice))
            if len(one.clicks) >= MOST_CLICKS or self.random.random() > STAYS:
                continue
            click = next_click(one.truth, found, one.clicks, one.void, self.random)
            if click is not None:
                one.before = (1 / (1 + np.exp(-values))).astype(np.float32)
                one.clicks = [*one.clicks, click]
                one.error = region_around(click, found != one.truth)
                stay.append(one)
        return stay

    def _save(self) -> None:
        from safetensors.torch import save_file

        part = self.file.with_suffix(".part")
        torch.save({"network": self.network.state_dict(), "average": self.average, "steps": self.steps,
                    "optimizer": self.optimizer.state_dict(), "elapsed": self.elapsed}, part)  # fmt: skip
        part.replace(self.file)
        names = [name for name, p in self.network.named_parameters() if p.requires_grad]
        averaged = self.network.state_dict() | dict(zip(names, self.average, strict=True))
        whole = self.args.out / "model.part"
        save_file({name: value.contiguous() for name, value in averaged.items()}, whole)
        whole.replace(self.args.out / "model.safetensors")

    def _resume(self) -> None:
        state = torch.load(self.file, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average, self.steps, self.elapsed = state["average"], state["steps"], state["elapsed"]


def start(encoded: Encoded, truth: np.ndarray, void: np.ndarray, random: np.random.Generator) -> Live:
    """A first click, several at once, or a damaged mask with a click that corrects it."""
    nothing = np.zeros(truth.shape, bool)
    way = random.random()
    centre = None if random.random() < 0.5 else random  # half of the time exactly in the middle
    first = next_click(truth, nothing, (), void, centre)
    clicks = [first] if first else []
    live = Live(encoded, truth, void, nothing.astype(np.float32), clicks)
    if way < 0.5 or first is None:
        return live
    wrong = damaged(truth, random)
    for _ in range(int(random.integers(1, 3))):
        click = next_click(truth, wrong, live.clicks, void, random)
        if click is None:
            return live
        live.clicks = [*live.clicks, click]
        live.error = region_around(click, wrong != truth)
        if random.random() < 0.5:
            wrong = damaged(truth, random)
    if way < 0.9:
        soft = cv2.GaussianBlur(wrong.astype(np.float32), (0, 0), random.uniform(0.5, 3))
        live.before = soft * np.float32(random.uniform(0.7, 1.0))
    return live


def damaged(truth: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The mask with pieces lost and pieces added, grown, shrunk or moved."""
    side = truth.shape[0]
    wrong = truth.astype(np.uint8)
    size = int(random.integers(1, max(2, side // 16))) * 2 + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    kind = random.random()
    if kind < 0.2:
        wrong = cv2.dilate(wrong, kernel)
    elif kind < 0.4:
        wrong = cv2.erode(wrong, kernel)
    elif kind < 0.5:
        shift = random.uniform(-0.1, 0.1, 2) * side
        wrong = cv2.warpAffine(
            wrong, np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32), (side, side)
        )
    for _ in range(int(random.integers(1, 4))):
        blob = np.zeros_like(wrong)
        axes = int(random.uniform(0.05, 0.35) * side), int(random.uniform(0.05, 0.35) * side)
        centre = int(random.integers(side)), int(random.integers(side))
        cv2.ellipse(blob, centre, axes, random.uniform(0, 180), 0, 360, 1, -1)
        wrong = wrong | blob if random.random() < 0.45 else wrong & ~blob
    return wrong > 0


def region_around(click: Click, wrong: np.ndarray) -> np.ndarray:
    """The connected error that a click lies in, bool as `wrong`."""
    _, parts = cv2.connectedComponents(wrong.astype(np.uint8))
    return parts == parts[int(click.y), int(click.x)]


def weight_of(live: Live) -> np.ndarray:
    """How much each pixel counts: more near clicks, most near the last and in the error that it corrects."""
    y, x = np.mgrid[: live.truth.shape[0], : live.truth.shape[1]].astype(np.float32)
    weight = np.ones(live.truth.shape, np.float32)
    for age, click in enumerate(reversed(live.clicks)):
        squared = (x + 0.5 - click.x) ** 2 + (y + 0.5 - click.y) ** 2
        weight += np.float32(NEAR_WEIGHT / (1 + age)) * np.exp(-squared / np.float32(2 * NEAR**2))
    if live.error is not None:
        weight[live.error] += ERROR_WEIGHT
    weight[live.void] = 0
    return weight


def loss_of(logits: torch.Tensor, truth: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted cross-entropy plus Dice, a mean over images each."""
    each = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    entropy = (each * weights).sum((1, 2, 3)) / weights.sum((1, 2, 3)).clamp(min=1)
    share, known = logits.sigmoid(), (weights > 0).float()
    both = (share * truth * known).sum((1, 2, 3))
    either = ((share + truth) * known).sum((1, 2, 3))
    return (entropy + 1 - (2 * both + 1) / (either + 1)).mean()


if __name__ == "__main__":
    main()
