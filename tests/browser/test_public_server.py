"""A server that is open to strangers: what they see, what they cannot do, and who can."""

import json
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.policy.policy import VARIABLE
from tests.browser.sign_in import CLIENT, Provider
from tests.browser.test_app import settle, visit
from tests.served import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
POLICY = 'public = true\nadmins = ["ada@example.org"]\nphotos_per_hour = 2\n'


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider(free_port(), "ada@example.org")
    yield made
    made.server.should_exit = True


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("public")
    (folder / "studio.toml").write_text(POLICY)
    served = App(folder / "workspace", "server.py", **{VARIABLE: str(folder / "studio.toml")})
    (folder / "secrets.toml").write_text(
        f'[auth]\nredirect_uri = "{served.url}/oauth2callback"\ncookie_secret = "{"x" * 32}"\n'
        f'client_id = "{CLIENT}"\nclient_secret = "none"\n'
        f'server_metadata_url = "{provider.url}/.well-known/openid-configuration"\n'
    )
    served.options = [f"--secrets.files={folder / 'secrets.toml'}"]
    served.start()
    yield served
    served.end()


def set_policy(public: App, text: str) -> None:
    Path(public.environment[VARIABLE]).write_text(text)
    time.sleep(0.05)


def test_a_stranger_cuts_out_photos_and_changes_nothing(page: Page, public: App) -> None:
    visit(page, public)
    expect(page.get_by_text("subject covers")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("kept in memory until you leave")).to_be_visible()
    expect(page.get_by_role("link", name="Machine")).to_have_count(0)
    visit(page, public, "train")
    expect(page.get_by_text("Only the people who run this server may start trainings")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_have_count(0)
    visit(page, public, "data")
    expect(page.get_by_role("radio", name="Pictures")).to_be_visible(timeout=60_000)
    for closed in ("New data set", "Delete"):
        expect(page.get_by_role("button", name=closed)).to_have_count(0)
    expect(page.get_by_role("radio", name="Paint")).to_have_count(0)
    visit(page, public, "models")
    expect(page.get_by_role("button", name="Use").first).to_be_visible()
    for closed in ("Import a model", "More", "Export"):
        expect(page.get_by_role("button", name=closed)).to_have_count(0)
    assert list((public.workspace / "runs").glob("*")) == []


def test_a_quota_is_one_sentence(page: Page, public: App) -> None:
    visit(page, public)
    expect(page.get_by_text("subject covers")).to_be_visible(timeout=60_000)
    page.get_by_role("radio", name="Samples").click()
    samples = page.get_by_role("radiogroup", name="Sample").get_by_role("radio")
    expect(samples.first).to_be_attached()
    refusal = page.get_by_text("an hour for each visitor")
    for place in range(samples.count()):
        samples.nth(place).locator("xpath=ancestor::label").click()
        settle(page)
        page.wait_for_timeout(1500)
        if refusal.count():
            break
    expect(refusal).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_download_that_the_quota_does_not_cover_is_closed_with_a_sentence(page: Page, public: App) -> None:
    visit(page, public)
    expect(page.get_by_text("subject covers")).to_be_visible(timeout=60_000)
    settle(page)  # another run of the script would give the buttons other files
    buttons = page.get_by_test_id("stDownloadButton").get_by_role("button")
    expect(buttons).to_have_count(3)
    with page.expect_download() as download:
        buttons.filter(has_text="Mask").click()
    assert download.value.suggested_filename.endswith("_mask.png")
    expect(page.get_by_text("an hour for each visitor")).to_be_visible()
    for place in range(buttons.count()):
        expect(buttons.nth(place)).to_be_disabled()


def test_headers_health_and_the_endpoint(public: App) -> None:
    with urllib.request.urlopen(public.url) as answer:
        headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    with urllib.request.urlopen(f"{public.url}/health") as answer:
        assert json.load(answer) == {"status": "ok"}
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{public.url}/rest/models")
    assert refused.value.code == 403


def test_who_signs_in_as_an_admin_may_do_everything(page: Page, public: App, provider: Provider) -> None:
    set_policy(public, POLICY + "sign_in = true\n")
    try:
        visit(page, public, "train")
        expect(page.get_by_text("Sign in to use this server")).to_be_visible()
        expect(page.get_by_role("link", name="Segment")).to_have_count(0)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("ada@example.org")).to_be_visible()
        visit(page, public, "train")
        expect(page.get_by_role("button", name="Start training")).to_be_visible(timeout=60_000)
        visit(page, public, "machine")
        expect(page.get_by_text("Memory used")).to_be_visible()
        expect(page.get_by_text("Open pages")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("Sign in to use this server")).to_be_visible()
    finally:
        set_policy(public, POLICY)


def test_an_address_that_the_provider_did_not_check_opens_nothing(
    page: Page, public: App, provider: Provider
) -> None:
    provider.verified = "false"
    set_policy(public, POLICY + "sign_in = true\n")
    try:
        visit(page, public, "train")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        visit(page, public, "train")
        expect(page.get_by_text("Only the people who run this server")).to_be_visible()
    finally:
        provider.verified = True
        set_policy(public, POLICY)


def test_a_mistake_in_the_policy_closes_the_server(page: Page, public: App) -> None:
    set_policy(public, "public = maybe\n")
    try:
        visit_closed(page, public)
        expect(page.get_by_text("closed until its policy file is corrected")).to_be_visible()
        expect(page.get_by_test_id("stFileUploader")).to_have_count(0)
    finally:
        set_policy(public, POLICY)


def visit_closed(page: Page, public: App) -> None:
    page.goto(public.url)
    expect(page.get_by_test_id("stAlert")).to_be_visible()
