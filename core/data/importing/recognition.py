"""Which layouts a source fits, best first."""

from collections.abc import Callable
from pathlib import PurePosixPath

from core.data.importing.annotations import coco_plans, yolo_plans
from core.data.importing.mask_files import mask_file_plans
from core.data.importing.names import is_picture
from core.data.importing.plan import Plan
from core.data.importing.sources import Source
from core.errors import UserError


def recognise(source: Source, photos: str = "", masks: str = "") -> list[Plan]:
    """Every plan that gives pairs, the most plausible first; with folders given by hand, theirs alone.

    Nothing is copied. Raises UserError, saying what was found instead, when nothing fits.
    """
    plans = mask_file_plans(source, photos, masks)
    if not (photos and masks):
        (coco, first), (yolo, second) = _tried(coco_plans, source), _tried(yolo_plans, source)
        drawn, refusal = [*coco, *yolo], first or second
        # Outlines were made for this; a few pictures that look like masks were not.
        plans = sorted([*drawn, *plans], key=lambda plan: -len(plan.items))
        if not plans and refusal:
            raise UserError(refusal)
    if not plans:
        raise UserError(_nothing_found(source))
    return plans


def _tried(read: Callable[[Source], list[Plan]], source: Source) -> tuple[list[Plan], str]:
    """A reader's plans, or why it has none. Files can hold anything: what no reader expects is told."""
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
    if source.problems and not pictures:
        return source.problems[0].sentence
    found = f"{pictures:,} pictures" + (f" and files with {', '.join(kinds)}" if kinds else "")
    boxes = any(name.endswith((".xml", ".csv")) for name in source.names)
    return (
        f"{source.label} holds {found if source.names else 'no files'}, but no masks that go with photos"
        f"{' (boxes are not enough)' if boxes and pictures else ''}: put the photos into images/ and the "
        "masks, under the same names, into masks/; or paint masks on the Data page."
    )
