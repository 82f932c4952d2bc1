"""All hostile uploads."""

from collections.abc import Iterator

from tests.hostile.annotations import bad_annotations
from tests.hostile.archives import bad_archives
from tests.hostile.case import Case
from tests.hostile.models import bad_models
from tests.hostile.photos import bombs, broken_photos, impostors, named_badly


def cases() -> Iterator[Case]:
    yield from broken_photos()
    yield from bombs()
    yield from impostors()
    yield from named_badly()
    yield from bad_archives()
    yield from bad_annotations()
    yield from bad_models()
