"""Models to and from the Hugging Face hub."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core.errors import UserError
from core.models.card import WEIGHTS_FILE, copy_model, read_card
from core.models.importing import FILES, import_folder
from core.policy.permissions import needs
from core.system import downloads
from core.system.downloads import HUB, Progress, repository_name, require_reachable

PAGES = "https://huggingface.co/"


@needs("machine")
def pull(name: str, kind: str = "") -> Iterator[Progress | Path]:
    """Download a model, OWNER/NAME, into the registry. Yields Progress, then its folder there.

    Only the files of a model are downloaded, none that could contain code. `kind` is as in `import_folder`.
    Raises UserError if there is no such model, no network, or it cannot be used here.
    """
    repository = repository_name(name, PAGES, "model")
    cache = downloads.hub_cache(repository, "model")
    was_there = cache.exists()  # if so, another program's, or an interrupted download
    for step in downloads.from_hub(repository, "model", "import a zip of the model's folder", tuple(FILES)):
        if isinstance(step, Progress):
            yield step
        elif not (step / WEIGHTS_FILE).is_file():
            raise UserError(f"The hub's {repository} holds no {WEIGHTS_FILE}: it cannot be opened here.")
        else:
            added = import_folder(step, repository.split("/")[1], kind)
            if not was_there:
                shutil.rmtree(cache, ignore_errors=True)  # a copy is in the workspace
            yield added


@needs("machine")
def push(folder: Path, name: str, token: str, private: bool = True) -> str:
    """Upload a model's folder as OWNER/NAME, created if needed; returns the address of its page.

    `token` needs write access; it is not stored. Raises UserError if the upload fails.
    """
    repository = repository_name(name, PAGES, "model")
    if not token.strip():
        raise UserError(
            "Enter an access token with write permission: create one in your hub account's settings."
        )
    from huggingface_hub import HfApi, constants

    require_reachable(constants.ENDPOINT, HUB, "export the model and upload it from elsewhere")
    api = HfApi(endpoint=constants.ENDPOINT, token=token.strip())
    with tempfile.TemporaryDirectory() as copied:
        copy_model(folder, Path(copied))
        front = _front_matter() + (Path(copied) / "README.md").read_text("utf-8")
        (Path(copied) / "README.md").write_text(front, "utf-8")
        try:
            api.create_repo(repository, private=private, exist_ok=True)
            api.upload_folder(
                repo_id=repository, folder_path=copied, commit_message=f"Upload {read_card(folder).name}"
            )
        except Exception as error:  # the client raises many types
            raise UserError(_refused(error, repository)) from error
    return f"{constants.ENDPOINT}/{repository}"


def _front_matter() -> str:
    """The metadata by which the hub lists and opens the model."""
    return (
        "---\nlibrary_name: segmentation-models-pytorch\npipeline_tag: image-segmentation\n"
        "tags:\n- segmentation-models-pytorch\n- image-segmentation\n---\n\n"
    )


def _refused(error: Exception, repository: str) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return "The hub rejects this token: copy it again."
    if status == 403:
        return f"This token may not write to {repository}: create one that may, or use your own account."
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
    return f"{repository} was not uploaded ({reason}): try again."
