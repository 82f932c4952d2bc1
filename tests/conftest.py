"""What several tests share: a workspace of their own and small, real picture files."""

import os

# Files of tests run two at a time on two cores: a thread each takes three quarters of the processor time of
# two that wait for each other, and what waits should sleep, not spin. Before torch.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Trainings that give way to all other tests would hold up those that wait for them.
os.environ.setdefault("SEGMENTATION_STUDIO_POLITE", "0")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.config import TrainConfig
from core.policy import permissions, policy
from core.policy.permissions import STRANGER
from tests.builders import LIGHT_ENCODER, untrained_card, write_scenes

if TYPE_CHECKING:
    from core.models.registry import Entry

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a workspace of its own, so none sees another's data sets or runs."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("SEGMENTATION_STUDIO_WORKSPACE", str(folder))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("U2NET_HOME", str(tmp_path / "rembg"))  # or models of this machine would be listed
    return folder


@pytest.fixture
def set_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write the policy of a server, in TOML; returns its file."""

    def write(text: str) -> Path:
        file = tmp_path / "studio.toml"
        file.write_text(text)
        monkeypatch.setenv(policy.VARIABLE, str(file))
        return file

    return write


@pytest.fixture
def public(set_policy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The policy file of a public server that is asked by a stranger. A test may write another policy."""
    monkeypatch.setattr(permissions, "_ask", lambda: STRANGER)
    return set_policy("public = true\n")


@pytest.fixture
def small_data(tmp_path: Path) -> Path:
    """Ten drawn scenes of 96x64 with exact masks."""
    return write_scenes(tmp_path / "small", 10)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real photos are not at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small untrained model in its folder."""
    import torch

    from core.models.factory import build_model, save_model

    folder = tmp_path_factory.mktemp("model") / "best"
    torch.manual_seed(0)
    config = TrainConfig("x", encoder=LIGHT_ENCODER, encoder_weights="none")
    save_model(build_model(config).model, untrained_card(), folder)
    return folder


@pytest.fixture
def entry(saved_model: Path) -> "Entry":
    """The saved model as the registry lists it."""
    from core.models.card import read_card, weights_megabytes
    from core.models.registry import Entry

    return Entry(saved_model, read_card(saved_model), weights_megabytes(saved_model))


@pytest.fixture(scope="session", autouse=True)
def quiet_hub() -> Iterator[None]:
    """No test may reach for the network by accident."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    yield
    if before is None:
        os.environ.pop("HF_HUB_OFFLINE")
