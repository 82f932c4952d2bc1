"""Evaluations that several tests read."""

from pathlib import Path

import pytest

from core.evaluation.cache import Evaluation
from core.evaluation.candidates import of_entry
from core.models import registry
from tests.core.evaluation.evaluations import made


@pytest.fixture
def found(entry: registry.Entry, small_data: Path) -> Evaluation:
    return made(of_entry(entry), small_data, "all")
