"""Training: `fit(config, folder)` is the way in; each file beside it has one of its sentences."""

from core.training.loop import fit

__all__ = ["fit"]
