"""What runs and their states are called on the pages."""

from core.errors import UserError
from core.runs.run_folder import Run
from core.system.formatting import moment, shortened

STATES = {  # label and colour
    "starting": ("Starting", "blue"),
    "queued": ("Queued", "orange"),
    "running": ("Training", "blue"),
    "finished": ("Finished", "green"),
    "stopped": ("Stopped", "gray"),
    "failed": ("Failed", "red"),
    "died": ("Died", "red"),
}


def run_label(run: Run) -> str:
    """Name, data set, time and state."""
    try:
        title, data = run.title, run.data_name
    except UserError:
        return f"{run.id} · settings cannot be read"
    parts = [shortened(title), data if data not in title else "", moment(run.created)]
    return " · ".join(part for part in (*parts, STATES[run.status().state][0].lower()) if part)
