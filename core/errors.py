"""The one exception whose text is meant for the person in front of the screen."""

import errno
import os
from typing import TypeGuard


class UserError(Exception):
    """Something the user can mend. The message says what is wrong, with which file, and what to do.

    Pages show it as it is and the command line prints it without a traceback.
    """


class NotWrittenError(UserError):
    """The disk did not take something, such as one that is full. The same may be tried again."""


_ADVICE = {
    errno.ENOSPC: "free some space on the disk",
    errno.EDQUOT: "free some of the space that you may use on the disk",
    errno.ENAMETOOLONG: "use a shorter name",
    errno.EACCES: "see that the app may read and write there",
    errno.EPERM: "see that the app may read and write there",
    errno.EROFS: "choose a place that may be written to",
    errno.EFBIG: "choose a disk that takes files of this size",
    errno.EMFILE: "close other programs, or allow more open files",
    errno.EIO: "check the disk",
    errno.ENOTDIR: "choose a folder that is not below a file",
}


def system_said(error: OSError) -> str:
    """What the system said, without a full stop, and what to do where that is certain.

    "No space left on device: free some space on the disk". An error that is not the system's, such as
    a library's OSError with a text alone, gives that text.
    """
    if error.errno is None:
        return str(error).rstrip(".") or type(error).__name__
    said = error.strerror or os.strerror(error.errno)
    advice = _ADVICE.get(error.errno)
    return f"{said}: {advice}" if advice else said


def is_of_the_system(error: BaseException) -> TypeGuard[OSError]:
    """Whether an OSError comes from the disk or the system, and not from a library that calls
    whatever it cannot read one."""
    return isinstance(error, OSError) and error.errno is not None
