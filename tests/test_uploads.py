"""What open pages may upload to a real server, and what they hold."""

import ast
import asyncio
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from core.policy.policy import VARIABLE
from core.system.workspace import PROJECT
from tests.served import App

sys.path.insert(0, str(PROJECT / "benchmarks"))

from streamlit_session import Session

pytestmark = pytest.mark.timeout(180)
MEGABYTE = 1 << 20
UPLOADERS = ("file_uploader", "camera_input", "audio_input", "chat_input")


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("public")
    policy_file = folder / "studio.toml"
    policy_file.write_text("public = true\npage_megabytes = 3\npages_megabytes = 5\n")
    served = App(folder / "workspace", "server.py", **{VARIABLE: str(policy_file)})
    served.start()
    yield served
    served.end()


def with_pages(app: App, work: Callable[..., Awaitable[None]], count: int = 1) -> None:
    """Run `work` with so many open pages."""

    async def run() -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            async with client.get(f"{app.url}/_stcore/health"):
                pass  # sets the cookie that uploads are checked by
            pages = [Session(client, app.url) for _ in range(count)]
            for page in pages:
                await page.open()
            await work(*pages)
            for page in pages:
                await page.close()

    asyncio.run(run())


async def put(page: Session, size: int, chunked: bool = False, session: str = "") -> int:
    """The status of an upload of so many bytes."""
    form = aiohttp.FormData()
    form.add_field("file", bytes(size), filename="a.bin", content_type="application/octet-stream")
    body = form()

    async def chunks() -> "object":
        for start in range(0, size + 200, 100_000):
            yield b"x" * min(100_000, size + 200 - start)

    where = f"{page.url}/_stcore/upload_file/{session or page.id}/{uuid.uuid4()}"
    headers = {"X-Xsrftoken": page._token(), "Content-Type": body.content_type}
    content = chunks() if chunked else body
    try:
        async with page.client.put(where, data=content, headers=headers) as answer:
            return answer.status
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):  # answered before all was sent
        return 413


def test_a_page_holds_no_more_than_it_may_and_frees_what_is_taken_back(public: App) -> None:
    async def work(page: Session) -> None:
        assert [await put(page, MEGABYTE) for _ in range(4)] == [204, 204, 204, 413]
        assert await put(page, 100) == 204 and await put(page, 4 * MEGABYTE, chunked=True) == 413

    with_pages(public, work)


def test_all_pages_together_hold_no_more_than_the_server_takes(public: App) -> None:
    async def work(one: Session, two: Session) -> None:
        assert await put(one, 2 * MEGABYTE) == 204
        assert await put(two, 2 * MEGABYTE) in (204, 503)  # the page of the test before may be open still
        assert await put(two, MEGABYTE // 2 + 2 * MEGABYTE) in (413, 503)

    with_pages(public, work, 2)


def test_many_at_once_get_no_more_than_one_after_the_other(public: App) -> None:
    async def work(page: Session) -> None:
        answers = await asyncio.gather(*(put(page, MEGABYTE) for _ in range(8)))
        assert answers.count(204) <= 3 and set(answers) <= {204, 413, 503}

    with_pages(public, work)


def test_a_page_that_asks_for_no_file_takes_none(public: App) -> None:
    async def work(page: Session) -> None:
        assert await put(page, 10, session="made-up") == 403

    with_pages(public, work)
    policy_file = Path(public.environment[VARIABLE])
    before = policy_file.read_text()
    policy_file.write_text(before + "sign_in = true\n")

    async def not_signed_in(page: Session) -> None:
        assert await put(page, 10) == 403

    try:
        with_pages(public, not_signed_in)
    finally:
        policy_file.write_text(before)


def test_every_uploader_is_one_whose_limit_the_server_knows() -> None:
    found = []
    for path in (PROJECT / "pages").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in UPLOADERS:
                found.append(path.name)
    assert set(found) == {"uploads.py"}
