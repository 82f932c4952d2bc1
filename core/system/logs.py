"""The server's log: one JSON object a line, on standard error, with nothing in it that tells of a person.

No names of files, people or addresses are written: what was done, how long it took, how it ended.
Turned on by $SEGMENTATION_STUDIO_LOG=json; otherwise logging is as ever.
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
    """time (UTC), level, event, then the event's own fields; of errors the type and where, not the words,
    in which a file's name may stand."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage() if record.name == LOGGER.name else record.name,
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            told["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            told["where"] = [f"{frame.filename}:{frame.lineno}" for frame in frames[-6:]]
        return json.dumps(told, ensure_ascii=False)


def set_up() -> None:
    """Once, at the start of a server."""
    if os.environ.get(VARIABLE) != "json" or any(isinstance(h.formatter, JsonLines) for h in LOGGER.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def log(event: str, **fields: float | str | bool) -> None:
    """Write down that something happened. Fields are numbers and words of our own choosing."""
    LOGGER.info(event, extra={"fields": fields})


def script_failed(error: BaseException) -> None:
    """Of a page: a mistake of ours, which the visitor sees without its details."""
    log_error("page failed", error)


def log_error(event: str, error: BaseException) -> None:
    LOGGER.error(event, exc_info=(type(error), error, error.__traceback__))
