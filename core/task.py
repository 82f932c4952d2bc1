"""What a network tells apart: one foreground, one class a pixel, or several labels a pixel.

Labels are uint8 of shape (height, width) everywhere between a mask file and the loss:
binary      0 background, 1 foreground, IGNORE where nobody knows
multiclass  the index of the class, IGNORE where nobody knows
multilabel  bit i is set where class i is; no value is left for "nobody knows"
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

IGNORE = 255
MAX_CLASSES = {"binary": 1, "multiclass": IGNORE, "multilabel": 8}


@dataclass(frozen=True, slots=True)
class Task:
    """`kind` is "binary", "multiclass" or "multilabel"; `classes` are the names, in label order.

    `values` are the mask values that stand for the classes and `void` the one that is ignored
    (-1: none); both matter for "multiclass" alone. Raises UserError when they do not fit together.
    """

    kind: str = "binary"
    classes: tuple[str, ...] = ("foreground",)
    values: tuple[int, ...] = ()
    void: int = -1

    def __post_init__(self) -> None:
        if self.kind not in MAX_CLASSES:
            raise UserError(f"There is no task '{self.kind}': use {', '.join(MAX_CLASSES)}.")
        low, high = (1 if self.kind != "multiclass" else 2), MAX_CLASSES[self.kind]
        if not low <= len(self.classes) <= high:
            raise UserError(f"A {self.kind} task has {low} to {high} classes, not {len(self.classes)}.")
        if self.kind == "multiclass" and len(self.values) != len(self.classes):
            raise UserError(f"{len(self.values)} mask values for {len(self.classes)} classes: name each.")

    @property
    def outputs(self) -> int:
        """Channels of the network's output."""
        return len(self.classes)

    @property
    def has_void(self) -> bool:
        """Whether labels of IGNORE are pixels that nobody knows, which count for nothing."""
        return self.kind != "multilabel"

    def target(self, labels: "Tensor") -> "Tensor":
        """Labels uint8 (b, h, w) as the losses want them: float (b, outputs, h, w), or int64
        (b, h, w) for "multiclass". IGNORE stays IGNORE where there is void."""
        import torch

        if self.kind == "multiclass":
            return labels.long()
        if self.kind == "binary":
            return labels[:, None].float()
        bits = torch.arange(self.outputs, device=labels.device, dtype=torch.uint8).view(1, -1, 1, 1)
        return (labels[:, None] >> bits & 1).float()

    def predicted(self, logits: "Tensor") -> "Tensor":
        """Logits (b, outputs, h, w) to labels uint8 (b, h, w), at a probability of 0.5 where one is asked."""
        import torch

        if self.kind == "multiclass":
            return logits.argmax(dim=1).to(torch.uint8)
        if self.kind == "binary":
            return (logits[:, 0] >= 0).to(torch.uint8)
        bits = torch.arange(self.outputs, device=logits.device, dtype=torch.uint8).view(1, -1, 1, 1)
        return ((logits >= 0).to(torch.uint8) << bits).sum(dim=1).to(torch.uint8)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "classes": list(self.classes), "values": list(self.values), "void": self.void,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Task":
        """The inverse of `to_dict`. Raises UserError on anything else."""
        try:
            return cls(
                str(values.get("kind", "binary")),
                tuple(map(str, values.get("classes", ("foreground",)))),
                tuple(map(int, values.get("values", ()))),
                int(values.get("void", -1)),
            )
        except (TypeError, ValueError, AttributeError) as error:
            raise UserError(f"The description of the classes cannot be read ({error}).") from error
