"""The real app in a real browser: a server of its own, a workspace of its own."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.served import App

expect.set_options(timeout=20_000)  # two busy cores answer late
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def found_browser(names: tuple[str, ...]) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[App]:
    served = App(tmp_path_factory.mktemp("browser") / "workspace")
    served.is_forked = not getattr(request.module, "COLD_SERVER", False)
    served.start()
    yield served
    served.end()
    for status in served.workspace.glob("runs/*/status.json"):  # workers outlive their server
        process = json.loads(status.read_text())["process"]
        if process == 0:  # never started, or trained by the test itself
            continue
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass


Launch = Callable[..., Browser]


@pytest.fixture(scope="module")
def launch() -> Iterator[Launch]:
    """A function that opens a browser with the flags given; all are closed at the end."""
    found = found_browser(BROWSERS)
    if found is None:
        pytest.skip("no Chromium or Chrome is installed; `make test` installs one on Debian and Ubuntu")
    with sync_playwright() as playwright:
        opened: list[Browser] = []

        def launch(*flags: str) -> Browser:
            opened.append(playwright.chromium.launch(executable_path=found, args=[*FLAGS, *flags]))
            return opened[-1]

        yield launch
        for browser in opened:
            browser.close()


@pytest.fixture(scope="module")
def browser(launch: Launch) -> Browser:
    return launch()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    opened.set_default_timeout(30_000)
    yield opened
    opened.close()
