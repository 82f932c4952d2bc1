"""What is deployed: locked versions, the container's files and start, who can reach it."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from core.policy.policy import parsed
from core.system.workspace import PROJECT

DEPLOY = PROJECT / "deploy"
ONLY_WITH_CUDA = ("torch", "nvidia", "cuda", "triton")


def locked(file: Path) -> dict[str, str]:
    """Names and versions; each entry must carry hashes."""
    found = {}
    for entry in re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", file.read_text(), flags=re.MULTILINE)):
        match = re.match(r"([\w.-]+)(?:\[[\w,]+\])?==(\S+)", entry.strip())
        assert match and "--hash=sha256:" in entry, entry[:80]
        found[match[1]] = match[2]
    return found


def ranges(file: str = "requirements.txt") -> list[Requirement]:
    lines = (PROJECT / file).read_text().splitlines()
    return [Requirement(line.split("  #")[0]) for line in lines if line and line[0] not in "#-"]


def test_the_lock_keeps_to_the_ranges_and_every_entry_has_its_hashes() -> None:
    versions = locked(PROJECT / "requirements.lock")
    for wanted in ranges():
        name = wanted.name.lower().replace("_", "-")
        assert wanted.specifier.contains(versions[name]), wanted


def test_without_cuda_the_same_versions_are_locked() -> None:
    everything, light = locked(PROJECT / "requirements.lock"), locked(DEPLOY / "cpu.lock")
    left_out = {name for name in everything if name not in light}
    assert light.items() <= everything.items()
    assert {"torch", "torchvision"} <= left_out
    assert all(name.startswith(ONLY_WITH_CUDA) for name in left_out), left_out


@pytest.mark.timeout(180)
def test_no_locked_version_has_a_known_vulnerability() -> None:
    audit = subprocess.run(
        [sys.executable, "-m", "pip_audit", "-r", "requirements.lock", "--require-hashes", "--disable-pip",
         "--progress-spinner=off", "--timeout=5", "--format=json"],
        cwd=PROJECT, capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    if not audit.stdout.strip():
        pytest.skip(f"advisories cannot be reached: {audit.stderr.strip().splitlines()[-1][:150]}")
    reported = json.loads(audit.stdout)["dependencies"]
    found = {package["name"]: package["vulns"] for package in reported if package.get("vulns")}
    assert not found, json.dumps(found, indent=1)[:2000]
    if all("skip_reason" in package for package in reported):
        pytest.skip("the package index here tells nothing of advisories; where it does, this test reads them")


def instructions(word: str) -> list[str]:
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.split(maxsplit=1)[1].strip() for line in text.splitlines() if line.startswith(f"{word} ")]


def environment() -> dict[str, str]:
    return dict(part.split("=", 1) for part in re.findall(r"[A-Z_]+=\S+", " ".join(instructions("ENV"))))


@pytest.fixture
def container(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str, Path]]:
    """The image's files alone, and its command: what a container runs, without the container."""
    root = tmp_path / "app"
    for line in (PROJECT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source, target = PROJECT / line[1:], root / line[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = json.loads(next(line for line in instructions("CMD") if "streamlit" in line))
    command = [part.replace("0.0.0.0", "127.0.0.1").replace("8501", str(port)) for part in command]
    settings = {name: value.replace("/app", str(root)) for name, value in environment().items()}
    settings["SEGMENTATION_STUDIO_WORKSPACE"] = str(tmp_path / "workspace")
    log = tmp_path / "log"
    with open(log, "wb") as stream:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / command[0]), *command[1:]], cwd=root, stderr=stream,
            stdout=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **settings},
        )  # fmt: skip
        yield process, f"http://127.0.0.1:{port}", log
        process.kill()
        process.wait()


def answer(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_containers_files_are_enough_it_is_closed_and_it_ends_when_told(
    container: tuple["subprocess.Popen[bytes]", str, Path],
) -> None:
    process, url, log = container
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            status, body = answer(f"{url}/health")
            break
        except OSError:
            time.sleep(0.3)
    assert (status, json.loads(body)) == (200, {"status": "ok"})
    assert answer(f"{url}/")[0] == 200
    assert answer(f"{url}/rest/models")[0] == 403  # the policy that the image names is in force
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) in (0, -signal.SIGTERM)
    events = [json.loads(line)["event"] for line in log.read_text().splitlines() if line.startswith("{")]
    assert events[0] == "server started" and events[-1] == "server ended", log.read_text()[-2000:]


def test_what_others_can_reach_is_closed() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    policy = parsed(tomllib.loads((DEPLOY / "studio.toml").read_text()))
    for name, service in services.items():
        local = all(port.startswith("127.0.0.1:") for port in service["ports"])
        is_open = service.get("environment", {}).get("SEGMENTATION_STUDIO_POLICY") == ""
        assert local or not is_open, name
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
    assert environment()["SEGMENTATION_STUDIO_POLICY"] == "/app/deploy/studio.toml"
    assert policy.train == "admins" and policy.rest == "nobody"


def test_the_public_service_is_given_its_name_and_its_secrets_and_git_is_given_neither() -> None:
    public = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["public"]
    assert "${STUDIO_HOST:-}" in public["environment"]["STREAMLIT_SERVER_ALLOWED_HOSTS"]
    assert "*" not in public["environment"]["STREAMLIT_SERVER_ALLOWED_HOSTS"]
    folder = Path(public["environment"]["STREAMLIT_SECRETS_FILES"]).parent
    assert f"./secrets:{folder}:ro" in public["volumes"]
    if not (PROJECT / ".git").exists():
        return
    asked = ["git", "check-ignore", ".streamlit/secrets.toml", "deploy/secrets/secrets.toml"]
    assert len(subprocess.run(asked, cwd=PROJECT, capture_output=True, check=False).stdout.split()) == 2


def test_the_public_container_does_not_show_the_workspace_of_the_private_ones() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]

    def workspace_of(name: str) -> str:
        (mounted,) = (v for v in services[name]["volumes"] if v.split(":")[1] == "/workspace")
        return str(mounted.split(":")[0])

    assert workspace_of("studio") == workspace_of("gpu") != workspace_of("public")
