"""A short run of the fuzzer from its seeds, the same each time: tests/fuzz.py goes on for longer."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from core.system.workspace import PROJECT


@pytest.mark.parametrize("kind", ["photo", "data", "model"])
def test_no_input_of_the_fuzzers_does_harm(kind: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris, which guides the fuzzing, is not to be had for this system or Python")
    done = subprocess.run(
        [sys.executable, PROJECT / "tests" / "fuzz.py", kind, "--seconds", "60", "--runs", "1500"],
        cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-3000:]
    assert "cov:" in output, output[-2000:]
