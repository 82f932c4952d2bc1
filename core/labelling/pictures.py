"""Small pictures of a session's photos with their masks, in the session's colours."""

import numpy as np
from numpy.typing import NDArray

from core.data import painting
from core.imaging import rendering
from core.imaging.label_resizing import resize_labels
from core.imaging.rendering import display_size
from core.labelling.scheme import Scheme
from core.labelling.session import LabelSession

TINT = 0.5


def small_picture(session: LabelSession, name: str, side: int) -> str:
    """A photo with the mask that is shown, at most `side` pixels long: a JPEG as a data URL.

    Raises UserError where the photo or its mask cannot be read.
    """
    photo = display_size(painting.photo_to_paint(session.photo(name), side), side)
    ids = resize_labels(session.shown_mask(name), (photo.shape[0], photo.shape[1]))
    return rendering.data_url(tinted(photo, ids, session.scheme))


def tinted(photo: NDArray[np.uint8], ids: NDArray[np.uint8], scheme: Scheme) -> NDArray[np.uint8]:
    """A photo (h, w, 3) with its ids (h, w) in the colours of their classes."""
    picture = photo.astype(np.float32)
    for number, one in enumerate(scheme.classes, 1):
        colour = np.frombuffer(bytes.fromhex(one.colour[1:]), np.uint8).astype(np.float32)
        inside = ids == number
        picture[inside] = (1 - TINT) * picture[inside] + TINT * colour
    return np.asarray(picture.round(), np.uint8)
