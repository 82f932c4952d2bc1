"""Time limits of tests, on cores that other tests use too."""

import os


def seconds(idle: float) -> float:
    """What may take `idle` seconds on idle cores may take longer beside other work.

    Doubled where tests run in several processes, and stretched by the load on each core.
    """
    shared = 2.0 if "PYTEST_XDIST_WORKER" in os.environ else 1.0
    return idle * max(shared, os.getloadavg()[0] / (os.cpu_count() or 1))
