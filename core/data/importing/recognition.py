"""Which layouts a source fits, best first."""

from collections.abc import Callable
from pathlib import PurePosixPath

from core.data.importing.mask_files import mask_file_plans
from core.data.importing.names import is_picture
from core.data.importing.object_masks import object_mask_plans
from core.data.importing.plan import Plan
from core.data.importing.sources import Source
from core.data.importing.tools import annotation_plans
from core.data.importing.yolo import yolo_plans
from core.errors import UserError

# Layouts beside those where a mask file belongs to a photo. A reader gives its plans, none where the source
# is not of its layout, and raises UserError where it is and cannot be used. Before others where equal.
LAYOUTS: tuple[Callable[[Source], list[Plan]], ...] = (
    annotation_plans, object_mask_plans, yolo_plans,
)  # fmt: skip


PUT_THEM = "put the photos into images/ and the masks, under the same names, into masks/"


class NoMasksError(UserError):
    """There are photos, and no masks that go with them: `found` says so, and `photos` are their names."""

    def __init__(self, found: str, photos: tuple[str, ...]) -> None:
        super().__init__(f"{found}: {PUT_THEM}; or paint masks on the Data page.")
        self.found, self.photos = found, photos


def recognise(source: Source, photos: str = "", masks: str = "") -> list[Plan]:
    """Every plan that gives pairs, the most plausible first; with folders given by hand, theirs alone.

    Nothing is copied. Raises NoMasksError where there are photos alone, and UserError, saying what was
    found instead, where nothing fits.
    """
    plans = mask_file_plans(source, photos, masks)
    if not (photos and masks):
        tried = [_tried(read, source) for read in LAYOUTS]
        # Outlines were made for this; a few pictures that look like masks were not.
        plans = sorted([*(plan for found, _ in tried for plan in found), *plans], key=lambda p: -len(p.items))
        refusals = [refusal for _, refusal in tried if refusal]
        if not plans and refusals:
            raise UserError(refusals[0])
    if not plans:
        found = tuple(filter(is_picture, source.names))
        if source.problems and not found:
            raise UserError(source.problems[0].sentence)
        words = _nothing_found(source)
        raise NoMasksError(words, found) if found else UserError(f"{words}: {PUT_THEM}.")
    return plans


def _tried(read: Callable[[Source], list[Plan]], source: Source) -> tuple[list[Plan], str]:
    """A reader's plans, or why it has none. Files can hold anything: what no reader expects is reported."""
    try:
        return read(source), ""
    except UserError as error:
        return [], str(error)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {str(error)[:80]}"
        return [], f"The annotations of {source.label} are not what their form says ({reason}): correct them."


def _nothing_found(source: Source) -> str:
    pictures = sum(map(is_picture, source.names))
    kinds = sorted(
        {PurePosixPath(n).suffix.lower() or "no ending" for n in source.names if not is_picture(n)}
    )[:5]
    found = f"{pictures:,} pictures" + (f" and files with {', '.join(kinds)}" if kinds else "")
    boxes = any(name.endswith((".xml", ".csv")) for name in source.names)
    return (
        f"{source.label} holds {found if source.names else 'no files'}, but no masks that go with photos"
        f"{' (boxes are not enough)' if boxes and pictures else ''}"
    )
