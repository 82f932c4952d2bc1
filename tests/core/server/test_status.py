"""What the server reports of its machine."""

from pathlib import Path

import pytest

from core.server import status


def test_the_machine_says_what_is_wrong(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = status.measure()
    assert seen.problems == () and seen.memory > 0.01 and seen.processors >= 1
    monkeypatch.setattr(status, "LEAST_FREE", 1e30)
    assert "GB of disk space is free" in status.measure().problems[0]
