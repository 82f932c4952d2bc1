"""One upload, and ways to damage bytes."""

import io
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Case:
    """`kind` is "photo", "data" or "model": what it claims to be; `name` says what is wrong with it."""

    kind: str
    name: str
    file: str
    content: bytes


NAMES = [
    "<img src=x onerror=alert(1)>.jpg", '"><script>alert(1)</script>.jpg', "a'b\"c`d.jpg", "a\nb\r\nc.jpg",
    "\u202egpj.exe", "a\0b.jpg", "../../../etc/passwd", "..\\..\\windows\\system32\\x.jpg", "/etc/passwd.jpg",
    "C:\\x.jpg", "\\\\server\\share\\x.jpg", "CON.jpg", "NUL", "aux.png", "x" * 4096 + ".jpg", "." * 300,
    "~/.ssh/id_rsa", "$(touch /tmp/owned).jpg", "`touch /tmp/owned`.jpg", "|touch owned.jpg", "%2e%2e%2fx.jpg",
    "😀" * 100 + ".jpg", "a\u0301" * 50 + ".jpg", "**bold** [x](javascript:alert(1)).jpg", "${jndi:ldap://x}.jpg",
    " ", "-rf", ":$$x$$.jpg", "$\\input{/etc/passwd}$.jpg", ":material/home:.jpg",
]  # fmt: skip


def encoded(form: str, mode: str = "RGB", **options: object) -> bytes:
    rng = np.random.default_rng(1)
    smooth = np.cumsum(rng.normal(0, 4, (96, 128, 3)), axis=1) + 128
    picture = Image.fromarray(np.clip(smooth, 0, 255).astype(np.uint8)).convert(mode)
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def flipped(content: bytes, seed: int, share: float = 0.002) -> bytes:
    rng, changed = random.Random(seed), bytearray(content)
    for _ in range(max(1, int(len(changed) * share))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def patched(content: bytes, place: int, value: bytes) -> bytes:
    return content[:place] + value + content[place + len(value) :]


class Evil:
    """A pickle of it runs a command where it is opened."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch /tmp/segmentation_studio_was_here",)
