"""The server's log."""

import json
import logging

import pytest

from core.system import logs


def test_the_log_holds_no_names(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(logs.VARIABLE, "json")
    logs.set_up()
    logs.set_up()  # a second start adds nothing
    try:
        logs.log("photo segmented", seconds=0.5)
        try:
            raise ValueError("secret.jpg is broken")
        except ValueError as error:
            logs.script_failed(error)
    finally:
        logs.LOGGER.handlers.clear()
        logs.LOGGER.setLevel(logging.NOTSET)
        logs.LOGGER.propagate = True
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["event"], first["seconds"], first["level"]) == ("photo segmented", 0.5, "info")
    assert second["error"] == "ValueError" and "secret" not in json.dumps(second)
    assert second["where"][-1].split("/")[-1].startswith("test_logs.py:")
