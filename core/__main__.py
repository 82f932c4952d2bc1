"""`python -m core`: the command line."""

import faulthandler

from core.cli import main

if __name__ == "__main__":
    faulthandler.enable()  # a crash in native code then leaves its name in the log
    raise SystemExit(main())
