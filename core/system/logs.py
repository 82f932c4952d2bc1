"""The server's log: one JSON object a line on standard error, without personal data.

It records what was done, how long it took and how it ended; no names of files or people, and no addresses.
Enabled by $SEGMENTATION_STUDIO_LOG=json; otherwise logging is unchanged.
"""

import json
import logging
import os
import sys
import time
import traceback
from typing import Any

VARIABLE = "SEGMENTATION_STUDIO_LOG"
LOGGER = logging.getLogger("segmentation_studio")


class JsonLines(logging.Formatter):
    """Fields: time (UTC), level, event, then those of the event. Errors are logged with type and location,
    but without their message, which may contain a file name."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage() if record.name == LOGGER.name else record.name,
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            entry["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            entry["where"] = [f"{frame.filename}:{frame.lineno}" for frame in frames[-6:]]
        return json.dumps(entry, ensure_ascii=False)


def set_up() -> None:
    """Call at the start of a server; further calls have no effect."""
    if os.environ.get(VARIABLE) != "json" or any(isinstance(h.formatter, JsonLines) for h in LOGGER.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def log(event: str, **fields: float | str | bool) -> None:
    """Log an event. Fields may hold numbers and fixed words only, nothing that a user has written."""
    LOGGER.info(event, extra={"fields": fields})


def script_failed(error: BaseException) -> None:
    """Log an unexpected error of a page; the visitor sees a general message."""
    log_error("page failed", error)


def log_error(event: str, error: BaseException) -> None:
    LOGGER.error(event, exc_info=(type(error), error, error.__traceback__))
