"""What the pages of documentation name is there: files, links, modules, commands and their options."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cli import parser
from core.system.workspace import PROJECT

PAGES = sorted(
    {
        *(file for file in PROJECT.glob("*.md") if file.name != "CHANGELOG.md"),  # it names what has gone
        *(PROJECT / "docs").rglob("*.md"),
        *(PROJECT / "checkpoints").glob("*/README.md"),
    }
)
FOLDERS = ("core", "pages", "tests", "docs", "benchmarks", "deploy", "checkpoints")
MADE_BY_USERS = {"deploy/secrets/secrets.toml"}
FILE_NAMES = {file.name for file in PROJECT.glob("*.py")} | {
    file.name for folder in FOLDERS for file in (PROJECT / folder).rglob("*.py")
}


def code_spans(text: str) -> Iterator[str]:
    """What stands in backticks inside of sentences and tables."""
    without_blocks = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return (span for span in re.findall(r"`([^`\n]+)`", without_blocks))


def commands(text: str) -> Iterator[str]:
    """The lines of shell blocks, continued lines joined, comments removed."""
    for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield line.split(" #")[0].strip()


def is_in_core(name: str) -> bool:
    """Whether a dotted name is a module or package, or what a module defines."""
    path = PROJECT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file() or path.parent.with_suffix(".py").is_file()


def relative(page: Path) -> str:
    return str(page.relative_to(PROJECT))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_file_of_the_project_that_a_page_names_exists(page: Path) -> None:
    missing = []
    for span in code_spans(page.read_text("utf-8")):
        path = re.split(r"[ :]", span)[0]  # "core/x.py: function", "python x.py" is a command
        if "*" in path or not re.fullmatch(r"[\w./-]+", path) or path.upper() == path:
            continue
        in_project = path.split("/")[0] in FOLDERS and "/" in path and "NAME" not in path
        if in_project and path not in MADE_BY_USERS and not (PROJECT / path).exists():
            missing.append(path)
        if "/" not in path and path.endswith(".py") and path not in FILE_NAMES:
            missing.append(path)
    assert not missing


@pytest.mark.parametrize("file", [*PAGES, *sorted((PROJECT / "benchmarks").glob("*.py"))], ids=relative)
def test_every_module_of_core_that_is_named_exists(file: Path) -> None:
    text = file.read_text("utf-8")
    named = set(re.findall(r"(?:^::: |`|\bby |\bof )(core(?:\.[a-z_0-9]+)+)", text, flags=re.MULTILINE))
    assert not [name for name in named if not is_in_core(name)]


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    files = [link.split("#")[0] for link in links if not re.match(r"https?:|mailto:|#", link)]
    assert not [file for file in files if not (page.parent / file).exists()]


def anchors(page: Path) -> set[str]:
    """Those that GitHub and mkdocs give its headings: lower case, hyphens for spaces, no punctuation."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_link_to_a_heading_finds_it(page: Path) -> None:
    links = re.findall(r"\]\(((?!https?:)[^)\s]*)#([^)\s]+)\)", page.read_text("utf-8"))
    missing = [
        f"{file}#{anchor}" for file, anchor in links
        if (target := page.parent / file if file else page).suffix == ".md" and anchor not in anchors(target)
    ]  # fmt: skip
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_command_of_a_page_is_one_that_the_command_line_accepts(page: Path) -> None:
    for line in commands(page.read_text("utf-8")):
        if "-m core " not in line or "…" in line:
            continue
        parser().parse_args(shlex.split(line.partition("-m core ")[2]))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_scripts_and_make_targets_of_a_page_exist(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE))
    text = page.read_text("utf-8")
    for line in [*commands(text), *code_spans(text)]:
        words = line.split()
        if words[:1] == ["make"] and len(words) > 1:
            assert words[1] in targets, line
        if len(words) > 1 and words[0].endswith("python") and words[1].endswith(".py"):
            assert (PROJECT / words[1]).is_file(), line
