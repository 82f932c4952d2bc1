"""A model's predictions as masks of a session."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.inference.predictor import Predictor
from core.labelling.scheme import Scheme
from core.policy.permissions import needs

Ids = NDArray[np.uint8]


@needs("change")
def labels_by(predictor: Predictor, scheme: Scheme) -> Callable[[NDArray[np.uint8]], Ids]:
    """What gives the ids (h, w) of a photo (h, w, 3): one foreground is the first class, classes are those of
    the same name. Raises UserError where the model knows none of the session's classes."""
    task = predictor.card.task
    if task.kind == "multilabel":
        raise UserError("This model gives a pixel several labels: choose one that gives it one class.")
    table: Ids = np.zeros(256, np.uint8)
    if task.kind == "binary":
        table[1] = 1
    else:
        ids = {name.casefold(): number for number, name in enumerate(scheme.names, 1)}
        for index, name in enumerate(task.classes):
            table[index] = ids.get(name.casefold(), 0)
        if not table.any():
            raise UserError(
                f"This model finds {', '.join(task.classes[:4])}, none of them a class here: choose another."
            )

    def ids_of(photo: NDArray[np.uint8]) -> Ids:
        labels = predictor.labels(photo)
        return np.asarray(table[labels], np.uint8)

    return ids_of
