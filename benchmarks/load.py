"""Many visitors at once: each uploads a 12-megapixel photo every so often, while a training runs.

    python benchmarks/load.py --sessions 30 --every 10 --minutes 5

Starts a server and a training of its own in a temporary workspace, talks to it over real websockets on
this machine alone, and prints waiting times, the server's memory over time, and whether any session
ever received another's photo. Ends by itself.
"""

import argparse
import asyncio
import colorsys
import io
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import numpy as np
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from streamlit_session import Session

from core.data.photos import read_photo
from core.data.samples import sample_bytes

PROJECT = Path(__file__).resolve().parents[1]
SIZE = 4000, 3000


@dataclass
class Seen:
    """What was measured: seconds waited, and memory in GB, each with when it was."""

    waits: list[tuple[float, float]] = field(default_factory=list)
    server: list[tuple[float, float]] = field(default_factory=list)
    everything: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    mixed_up: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between a session's photos")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--no-training", action="store_true")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server, training = start(Path(folder), not args.no_training)
        try:
            seen = asyncio.run(measure(server, args))
        finally:
            for status in Path(folder).glob("runs/*/status.json"):  # a worker outlives who started it
                psutil.Process(json.loads(status.read_text())["process"]).kill()
            for process in (server.process, training):
                if process is not None:
                    process.terminate()
                    process.wait(30)
    report(seen, args)


@dataclass
class Server:
    process: "subprocess.Popen[bytes]"
    url: str


def start(workspace: Path, with_training: bool) -> tuple[Server, "subprocess.Popen[bytes] | None"]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "SEGMENTATION_STUDIO_WORKSPACE": str(workspace),
        "OMP_WAIT_POLICY": "passive",
    }
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "server.py", "--server.headless=true",
         "--server.address=127.0.0.1", f"--server.port={port}"], cwd=PROJECT, env=environment, **quiet,
    )  # fmt: skip
    training = None
    if with_training:
        code = (
            "from core.runs import jobs; from core.config import preset_config; from core.data import demo;"
            "list(demo.generate());"
            "run = jobs.start(preset_config('Balanced', demo.demo_folder(), epochs=500));"
            "print(run.folder, flush=True); jobs._children[run.id].wait()"
        )
        training = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, env=environment, **quiet)
    url = f"http://127.0.0.1:{port}"
    wait_for(url, workspace if with_training else None)
    return Server(server, url), training


def wait_for(url: str, workspace: Path | None) -> None:
    """Until the server answers and the training has made its first steps."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        time.sleep(0.5)
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).close()
        except OSError:
            continue
        if workspace is None or any('"step"' in f.read_text() for f in workspace.glob("runs/*/events.jsonl")):
            return
    sys.exit("The server or the training did not start within three minutes.")


async def measure(server: Server, args: argparse.Namespace) -> Seen:
    seen, begun = Seen(), time.monotonic()
    end = begun + args.minutes * 60
    watch = asyncio.create_task(watch_memory(psutil.Process(server.process.pid), seen, begun))
    photos = await asyncio.to_thread(lambda: [photo_of(i, args.sessions) for i in range(args.sessions)])
    begun, end = time.monotonic(), time.monotonic() + args.minutes * 60
    people = [visit(server.url, i, photos[i], args, seen, begun, end) for i in range(args.sessions)]
    await asyncio.gather(*people)
    await asyncio.sleep(2)
    watch.cancel()
    return seen


def colour_of(number: int, count: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(number / count, 0.8, 0.8)
    return round(red * 255), round(green * 255), round(blue * 255)


def photo_of(number: int, count: int) -> bytes:
    """Somebody in front of a wall that no other session has, with a sensor's noise."""
    photo = Image.new("RGB", SIZE, colour_of(number, count))
    photo.paste(Image.fromarray(read_photo(sample_bytes("Astronaut"))).resize((2400, 2400)), (800, 600))
    noisy = np.asarray(photo, np.int16) + np.random.default_rng(number).integers(-6, 7, (3000, 4000, 1))
    stream = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=88)
    return stream.getvalue()


async def visit(
    url: str, number: int, photo: bytes, args: argparse.Namespace, seen: Seen, begun: float, end: float
) -> None:
    """One person: opens the page at some moment of the first period, then shows a photo in each."""
    await asyncio.sleep(random.Random(number).uniform(0, args.every))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        async with client.get(f"{url}/_stcore/health") as answer:
            await answer.read()
        session = Session(client, url)
        try:
            await session.open(120)
            turn = 0
            while (now := time.monotonic()) < end:
                await session.show(f"{number}.jpg", photo + b"\0" + str(turn).encode(), 120)  # never cached
                seen.waits.append((now - begun, time.monotonic() - now))
                seen.mixed_up += not await asyncio.to_thread(is_of, session.photo, number, args.sessions)
                if session.error:
                    seen.errors.append(session.error)
                    session.error = ""
                turn += 1
                await asyncio.sleep(max(0.0, now + args.every - time.monotonic()))
            await session.close()
        except Exception as error:  # it is counted, and the others continue
            seen.errors.append(f"{type(error).__name__}: {error}")


def is_of(shown: bytes, number: int, count: int) -> bool:
    """Whether the wall of the picture that came back is the one that was sent."""
    picture = Image.open(io.BytesIO(shown))
    picture.draft(
        "RGB", (picture.width // 8, picture.height // 8)
    )  # what the measuring costs, the server lacks
    corner = np.asarray(picture)[1:5, 1:5].reshape(-1, 3).mean(0)
    distances = [np.abs(corner - colour_of(i, count)).sum() for i in range(count)]
    return int(np.argmin(distances)) == number


async def watch_memory(server: psutil.Process, seen: Seen, begun: float) -> None:
    while True:
        try:
            own = server.memory_info().rss / 1e9
            seen.server.append((time.monotonic() - begun, own))
            seen.everything.append(own + sum(p.memory_info().rss for p in server.children(True)) / 1e9)
        except psutil.Error as error:
            seen.errors.append(f"the server is gone: {error}")
            return
        await asyncio.sleep(1)


def report(seen: Seen, args: argparse.Namespace) -> None:
    waits = sorted(seconds for _, seconds in seen.waits)
    if not waits:
        sys.exit(f"No photo came back. Errors: {seen.errors[:3]}")
    third = max(t for t, _ in seen.server) / 3
    middle = [gb for t, gb in seen.server if third <= t < 2 * third]
    last = [gb for t, gb in seen.server if t >= 2 * third]
    figures = {
        "sessions": args.sessions,
        "photos": len(waits),
        "median_s": round(statistics.median(waits), 2),
        "p95_s": round(waits[int(0.95 * (len(waits) - 1))], 2),
        "longest_s": round(waits[-1], 2),
        "server_peak_gb": round(max(gb for _, gb in seen.server), 2),
        "server_middle_third_gb": round(statistics.mean(middle), 2),
        "server_last_third_gb": round(statistics.mean(last), 2),
        "mixed_up": seen.mixed_up,
        "errors": len(seen.errors),
    }
    print(json.dumps(figures, indent=2))
    for error in list(dict.fromkeys(seen.errors))[:5]:
        print("error:", error)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
