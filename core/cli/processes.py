"""`python -m core.cli.processes COUNT ARGUMENT...`: several processes that train together.

torchrun, without its own report: the first process has already said in a sentence why it does not train.
What the others print is shown only where they failed and the first did not.
"""

import logging
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

SHOWN = 3000  # characters of what another process printed: a traceback


def run(count: int, arguments: Sequence[str]) -> int:
    """Start the processes and wait for them. Returns 0, or 1 where one of them failed."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    logging.disable(logging.CRITICAL)  # of this process alone, which only starts the others
    with tempfile.TemporaryDirectory() as logs:
        kept = ",".join(f"{rank}:3" for rank in range(1, count))  # 3: both output and errors
        own = ["--standalone", f"--nproc-per-node={count}", f"--log-dir={logs}", f"--redirects={kept}"]
        try:
            torchrun([*own, "-m", "core", *arguments])
        except ChildFailedError as error:
            first = error.failures.get(0)
            if first is None or first.exitcode < 0:
                rank, failure = error.get_first_failure()
                print(_report(rank, count, failure.exitcode, Path(logs)), file=sys.stderr)
            return 1
    return 0


def _report(rank: int, count: int, status: int, logs: Path) -> str:
    ended = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
    printed = "".join(path.read_text("utf-8", "replace") for path in logs.rglob(f"{rank}/stderr.log"))
    return f"Error: Process {rank + 1} of {count} ended {ended}.\n{printed[-SHOWN:]}".rstrip()


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), sys.argv[2:]))
