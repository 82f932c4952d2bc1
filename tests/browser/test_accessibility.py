"""Every page against the Web Content Accessibility Guidelines (WCAG 2.2, level AA), in both themes."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core.data import demo
from tests.browser.test_app import settle, visit
from tests.served import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PAGES = ("Segment", "Data", "Train", "Compare", "Models", "Metrics", "Machine")
NOT_OURS = ("list", "listitem")  # Streamlit puts a <div> between the <ul> and <li> of grouped pages
OPTIONS: dict[str, Any] = {
    "resultTypes": ["violations"],
    "rules": {rule: {"enabled": False} for rule in NOT_OURS},
}


@pytest.fixture(scope="module", autouse=True)
def few_drawn_people(app: App) -> None:
    list(demo.generate(app.workspace / "datasets" / demo.NAME, pairs=10))


def serious(page: Page, *, colours_alone: bool = False) -> list[str]:
    """What axe-core finds that keeps people out, one line for each rule and element."""
    chosen = (
        {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
        if colours_alone
        else {}
    )
    found = Axe().run(page, options=OPTIONS | chosen).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:200]} ({node['failureSummary'].splitlines()[-1].strip()})"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def test_no_page_has_a_serious_violation_in_either_theme(page: Page, app: App) -> None:
    visit(page, app)
    expect(page.get_by_text("subject covers")).to_be_visible(timeout=60_000)
    found: dict[str, list[str]] = {}
    for name in PAGES:
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
        expect(page).to_have_title(f"{name} · Segmentation Studio")
        settle(page)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            expect(page.locator(".stApp")).to_have_css("color-scheme", theme)
            settle(page)
            if lines := serious(page, colours_alone=theme == "dark"):  # nothing else changes with the theme
                found[f"{name}, {theme}"] = lines
    assert not found, "\n".join(line for where, lines in found.items() for line in (where, *lines))


def test_the_keyboard_shows_where_it_is(page: Page, app: App) -> None:
    visit(page, app, "machine")
    settle(page)
    page.locator("body").press("Tab")
    for _ in range(12):
        page.keyboard.press("Tab")
        # A rerun that ends just now puts the style sheet in anew, so the ring may come a moment later.
        page.wait_for_function(
            """() => {
                const it = document.activeElement
                return getComputedStyle(it).outlineStyle !== "none"
                    || it.dataset.testid === "stMain" || it === document.body
            }""",
            timeout=5_000,
        )
