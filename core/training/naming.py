"""A run's name, which its models share."""

from dataclasses import replace

from core.errors import UserError
from core.models.card import is_model, read_card, write_card
from core.policy.permissions import needs
from core.runs import jobs
from core.runs.run_folder import Run


@needs("train")
def rename(run: Run, name: str) -> None:
    """Give a run and its models another name; its folder stays where it is. While it trains, the models that
    follow have the new name too.

    Raises UserError for an empty or a long name, and where the run is somebody else's and the policy protects
    it.
    """
    if not jobs.may_change(run):
        raise UserError("Somebody else started this training: only they may rename it.")
    name = run.set_name(name)
    for folder in (run.best, run.folder / "last"):
        if is_model(folder):
            write_card(folder, replace(read_card(folder), name=name))
