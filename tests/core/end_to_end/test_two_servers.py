"""Two servers on one workspace."""

import json
from pathlib import Path

from core.data import demo
from core.data.dataset import open_data
from core.runs import jobs, run_folder
from tests.builders import tiny
from tests.processes import Started, python

TWO_AT_ONCE = """
import sys
from pathlib import Path
from core.data import demo
from core.evaluation import groups
root = Path(sys.argv[1])
for number in range(40):
    groups.put(root, f"group {sys.argv[2]}", [f"{sys.argv[2]}-{number}"])
list(demo.generate(pairs=6))
"""


def test_two_servers_on_one_workspace_lose_nothing_of_each_other(small_data: Path) -> None:
    both = [Started("-c", TWO_AT_ONCE, small_data, name) for name in "ab"]
    assert [process.wait(120) for process in both] == [0, 0]
    from core.evaluation import groups

    found = groups.read_groups(small_data)
    assert {name: len(names) for name, names in found.items()} == {"group a": 40, "group b": 40}
    assert len(open_data(demo.demo_folder()).pairs) == 6


def test_what_one_server_starts_the_other_sees_and_stops(small_data: Path) -> None:
    code = (
        "import sys; from core.runs import jobs; from core.config import TrainConfig; import json;"
        "print(jobs.start(TrainConfig.from_dict(json.loads(sys.argv[1]))).id)"
    )
    config = json.dumps(tiny(small_data, epochs=5000).to_dict())
    done = python("-c", code, config)
    run = run_folder.find(done.stdout.strip())  # the server that started it has ended
    assert run is not None and [r.id for r in jobs.active()] == [run.id]
    jobs.stop(run)
    assert run.status().state == "stopped"
