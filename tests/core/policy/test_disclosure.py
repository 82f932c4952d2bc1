"""Messages reveal paths of the server only to those who may use its folders."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from core.errors import UserError
from core.models import registry
from core.policy import policy
from core.policy.disclosure import for_visitor
from core.policy.permissions import OWNER, acting_as
from core.server.rest import api
from core.system import workspace as places
from core.system.workspace import PROJECT, read_json

OUTSIDE = "/home/quine/photos/beach.png"


@pytest.fixture(autouse=True)
def with_the_endpoint(public: Path) -> None:
    public.write_text('public = true\nrest = "everyone"\n')


def messages(values: str) -> Iterator[str]:
    """Every message of a UserError in `core`, with `values` in the place of whatever it inserts."""
    for file in sorted((PROJECT / "core").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith("Error"):
                for text in node.args:
                    if isinstance(text, ast.JoinedStr):
                        message = ""
                        for part in text.values:  # what follows a letter or a dot is no path
                            given = values if message == "" or message[-1] in " '\"(" else "x"
                            message += str(part.value) if isinstance(part, ast.Constant) else given
                        yield message


@pytest.mark.parametrize("inside", ["", "/datasets/beach/images/a b.png", "/runs/20261125", "/cache/x, y/z"])
def test_no_message_of_an_error_shows_a_stranger_where_the_workspace_is(inside: str, workspace: Path) -> None:
    found = list(messages(f"{workspace}{inside}"))
    assert len(found) > 150
    for message in found:
        shown = for_visitor(message)
        assert str(workspace) not in shown and str(workspace.parent) not in shown, shown
        with acting_as(OWNER):
            assert for_visitor(message) == message


def test_no_message_of_an_error_shows_a_stranger_a_folder_outside_of_the_workspace() -> None:
    for message in messages(OUTSIDE):
        assert "quine" not in for_visitor(message)


def test_what_is_in_the_workspace_is_named_relative_to_it(workspace: Path) -> None:
    folder = places.runs() / "summer"
    folder.mkdir()
    (folder / "status.json").write_text("[")
    with pytest.raises(UserError) as damaged:
        read_json(folder / "status.json")
    assert str(folder) in str(damaged.value)
    assert for_visitor(str(damaged.value)).startswith("status.json in runs/summer cannot be read as JSON")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{OUTSIDE} is damaged.", "beach.png is damaged."),
        (f"'{OUTSIDE}': replace it.", "'beach.png': replace it."),
        (f"{PROJECT}/checkpoints/person holds no model.", "checkpoints/person holds no model."),
        ("See https://example.org/a/b, or docs/deployment.md.", None),
        ("Give a folder that holds images/ and masks/, and/or a zip.", None),
        ("There is no model 'x': /models lists them.", None),
        ("640 / 480 px at 30 km/h", None),
    ],
)
def test_only_paths_are_shortened(text: str, shown: str | None) -> None:
    assert for_visitor(text) == (shown or text)


def test_a_workspace_inside_another_folder_of_its_name_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    (tmp_path / "real").mkdir()
    link.symlink_to(tmp_path / "real")
    monkeypatch.setenv("SEGMENTATION_STUDIO_WORKSPACE", str(link))
    assert (
        for_visitor(f"{link} and {tmp_path / 'real'} are full.")
        == "the workspace and the workspace are full."
    )
    assert for_visitor(f"{link}-2/x is there.") == "x is there."


def test_with_a_policy_that_cannot_be_read_paths_stay_hidden(public: Path) -> None:
    public.write_text("public = maybe")
    with pytest.raises(UserError) as broken:
        policy.current_policy()
    assert for_visitor(str(broken.value)).startswith("studio.toml cannot be read as TOML")


def test_the_rest_endpoint_names_no_folder_of_the_server(
    saved_model: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = places.models() / "broken"
    folder.mkdir()
    for file in saved_model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "model.safetensors").write_bytes(b"damaged")
    with acting_as(OWNER):  # as `python -m core serve` runs
        entry = next(e for e in registry.list_models() if e.folder == folder)
        photo = (PROJECT / "docs" / "images").glob("*.png")
        with TestClient(api(entry.folder), base_url="http://localhost") as client:
            answer = client.post("/segment", content=next(iter(photo)).read_bytes())
    assert answer.status_code == 422 and "models/broken" in answer.json()["error"]
    assert str(workspace) not in answer.text
