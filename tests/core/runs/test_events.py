"""Events as lines of text, and back."""

import json

from core.runs.events import Finished, Note, Preview, from_lines, to_line


def test_events_go_to_lines_and_back_and_torn_lines_are_passed_over() -> None:
    events = [Note("ä"), Finished("done", 3, 0.9, 1.5), Preview(1, ["a.jpg"])]
    lines = [to_line(e) for e in events]
    assert list(from_lines([*lines, lines[0][:10], "[]", json.dumps({"event": "other"}), ""])) == events
