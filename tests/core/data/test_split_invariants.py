"""Random lives of a data set: photos come, go, come back; trainings and fixes lie between."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from PIL import Image

from core.data import fixes
from core.data.dataset import DataFolder, open_data, write_down
from core.errors import UserError

FOLDERS = {"train": "train", "val": "validation", "test": "test"}


class Life(RuleBasedStateMachine):
    """`sets` is what every photo's set was when a training or a fix last wrote it down."""

    @initialize(flat=st.booleans())
    def begin(self, flat: bool) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.flat, self.count = flat, 0
        self.sets: dict[str, str] = {}
        self.by_folder: dict[str, str] = {}
        for folder in ("",) if flat else FOLDERS:
            self.write(folder, 5)
        self.train()

    def write(self, folder: str, count: int) -> None:
        for _ in range(count):
            self.put(f"{folder}/{self.count}.png".removeprefix("/"))
            self.count += 1

    def put(self, name: str) -> None:
        folder, _, file = name.rpartition("/")
        if folder:
            self.by_folder[name] = FOLDERS[folder]
        for part in ("images", "masks"):
            (self.root / folder / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.eye(2, dtype=np.uint8) * 255).save(self.root / folder / part / file)

    def done(self, data: DataFolder) -> None:
        now = {n: part for part in FOLDERS.values() for n in getattr(data.split, part)}
        assert sorted(now) == sorted(pair.name for pair in data.pairs)
        for name, part in now.items():
            before = self.sets.get(name)
            assert part != "train" or before in (None, "train"), f"{name} was for {before} and trains"
            if before != part:
                # Only where validation is empty does a photo change from training to it.
                assert before is None or (part == "validation" and len(data.split.validation) == 1)
            if before is None and name in self.by_folder:
                assert part == self.by_folder[name] or len(data.split.validation) == 1
        self.sets |= now

    def data(self) -> DataFolder:
        return open_data(self.root)

    @rule()
    def train(self) -> None:
        data = self.data()
        write_down(data)
        self.done(data)

    @rule(folder=st.sampled_from(list(FOLDERS)), count=st.integers(1, 4))
    def add(self, folder: str, count: int) -> None:
        self.write("" if self.flat else folder, count)

    @rule(seed=st.randoms(use_true_random=False), held=st.booleans())
    def exclude(self, seed, held: bool) -> None:  # type: ignore[no-untyped-def]
        data = self.data()
        names = data.split.validation + data.split.test if held else tuple(p.name for p in data.pairs)
        self.fix(lambda: fixes.exclude(data, seed.sample(sorted(names), min(4, len(names)))))

    @rule()
    def restore(self) -> None:
        self.fix(lambda: fixes.restore(self.data(), self.data().left_out))

    @rule()
    def undo(self) -> None:
        self.fix(lambda: fixes.undo(self.data()))

    @rule(seed=st.randoms(use_true_random=False))
    def delete(self, seed) -> None:  # type: ignore[no-untyped-def]
        pairs = list(self.data().pairs)
        for pair in seed.sample(pairs, min(3, len(pairs) - 4)) if len(pairs) > 4 else ():
            pair.image.unlink()
            pair.mask.unlink()

    @rule()
    def create_again(self) -> None:
        for name in self.sets:
            self.put(name)

    def fix(self, change) -> None:  # type: ignore[no-untyped-def]
        try:
            self.done(change())
        except UserError:
            pass  # too few would be left, or nothing to undo

    @invariant()
    def opening_alone_moves_nothing_either(self) -> None:
        if hasattr(self, "sets"):
            before = dict(self.sets)
            self.done(self.data())
            self.sets = before

    def teardown(self) -> None:
        shutil.rmtree(getattr(self, "root", ""), ignore_errors=True)


TestOnceHeldOutAlwaysHeldOut = Life.TestCase
TestOnceHeldOutAlwaysHeldOut.settings = settings(
    max_examples=20, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
