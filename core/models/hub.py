"""Models to and from the Hugging Face hub."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core.errors import UserError
from core.models.card import WEIGHTS_FILE, read_card
from core.models.importing import FILES, adopt_folder
from core.policy.permissions import needs
from core.system.downloads import Progress, in_background, probe, repository_name

PAGES = "https://huggingface.co/"


@needs("machine")
def pull(name: str, kind: str = "") -> Iterator[Progress | Path]:
    """Download a model, OWNER/NAME, into the library. Yields Progress, then its folder there.

    Only the files of a model are fetched, none that could hold code. `kind` is as in `adopt_folder`.
    Raises UserError when there is no such model, no network, or it is none that can be used here.
    """
    repository = repository_name(name, PAGES, "model")
    from huggingface_hub import constants, snapshot_download

    probe(constants.ENDPOINT, "The Hugging Face hub", "bring in a zip of the model's folder")
    cache = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"

    was_there = cache.exists()  # then it is whoever's else uses this cache, or a download that broke off

    def fetch() -> Path:
        return Path(snapshot_download(repository, allow_patterns=list(FILES), endpoint=constants.ENDPOINT))

    for step in in_background(fetch, cache, f"The hub's {repository}"):
        if isinstance(step, Progress):
            yield step
        elif not (step / WEIGHTS_FILE).is_file():
            raise UserError(f"The hub's {repository} holds no {WEIGHTS_FILE}: it cannot be opened here.")
        else:
            added = adopt_folder(step, repository.split("/")[1], kind)
            if not was_there:
                shutil.rmtree(cache, ignore_errors=True)  # a copy is in the workspace
            yield added


@needs("machine")
def push(folder: Path, name: str, token: str, private: bool = True) -> str:
    """Upload a model's folder as OWNER/NAME, made if it is not there; returns the address of its page.

    `token` is one that may write; it is used and not kept. Raises UserError when that fails.
    """
    repository = repository_name(name, PAGES, "model")
    if not token.strip():
        raise UserError("A token that may write is needed: make one in the settings of your hub account.")
    from huggingface_hub import HfApi, constants

    probe(constants.ENDPOINT, "The Hugging Face hub", "export the model and upload it from elsewhere")
    api = HfApi(endpoint=constants.ENDPOINT, token=token.strip())
    with tempfile.TemporaryDirectory() as copied:
        for file in FILES:
            if (folder / file).is_file():
                shutil.copyfile(folder / file, Path(copied) / file)
        front = _front_matter() + (Path(copied) / "README.md").read_text("utf-8")
        (Path(copied) / "README.md").write_text(front, "utf-8")
        try:
            api.create_repo(repository, private=private, exist_ok=True)
            api.upload_folder(
                repo_id=repository, folder_path=copied, commit_message=f"Upload {read_card(folder).name}"
            )
        except Exception as error:  # whatever the client raises for a refusal or a broken connection
            raise UserError(_refused(error, repository)) from error
    return f"{constants.ENDPOINT}/{repository}"


def _front_matter() -> str:
    """What the hub reads of a card: by it the model is found and opened."""
    return (
        "---\nlibrary_name: segmentation-models-pytorch\npipeline_tag: image-segmentation\n"
        "tags:\n- segmentation-models-pytorch\n- image-segmentation\n---\n\n"
    )


def _refused(error: Exception, repository: str) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return "The hub does not know this token: copy it again."
    if status == 403:
        return f"This token may not write to {repository}: make one that may, or name your own account."
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
    return f"{repository} was not uploaded ({reason}): try again."
