"""`python -m core`: the command line."""

import faulthandler
import os
import sys
import time

if __name__ == "__main__":
    begun = time.monotonic()  # before the imports, which count among the minutes of a training

    from core.cli import main

    faulthandler.enable()  # a crash in native code then leaves its name in the log
    status = main(begun=begun)
    if status and "WORLD_SIZE" in os.environ:  # its end would wait for the others, which wait for its end
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    raise SystemExit(status)
