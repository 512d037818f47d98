"""The examples run as their first lines say, against a local vendor."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from creative_services.testing.vendors import Fault, Reply, VendorServer
from tests.house.examples import vendor_environment
from tests.servers import free_ports

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PATIENCE = 60.0


@pytest.fixture
def vendor() -> Iterator[VendorServer]:
    with VendorServer() as server:
        server.default = Reply(text="Five, seven, five.")
        yield server


def environment(vendor: VendorServer) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {**ours, **vendor_environment(vendor), "PYTHONPATH": str(ROOT)}


def ran(vendor: VendorServer, *words: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment(vendor), capture_output=True, text=True, check=False
    )


@contextmanager
def running(vendor: VendorServer, url: str, *words: str, cwd: Path = ROOT) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, *words], cwd=cwd, env=environment(vendor), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        end = time.monotonic() + PATIENCE
        while not _answers(url):
            assert process.poll() is None, process.stderr and process.stderr.read().decode()
            assert time.monotonic() < end
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.communicate()


def _answers(url: str) -> bool:
    with suppress(OSError):
        try:
            urlopen(url, timeout=5).close()
        except HTTPError as error:
            error.close()
        return True
    return False


def fetched(url: str) -> str:
    with urlopen(url, timeout=PATIENCE) as response:
        return str(response.read().decode())


def test_ask(vendor: VendorServer) -> None:
    done = ran(vendor, "examples/ask.py", "economy", "Write a haiku")
    assert done.stdout == "Five, seven, five.\n", done.stderr
    assert "USD" in done.stderr


def test_ask_tells_a_failure_in_a_sentence(vendor: VendorServer) -> None:
    vendor.script(*[Fault.named("invalid_api_key")] * 9)
    done = ran(vendor, "examples/ask.py", "premium", "Write a haiku")
    assert done.returncode == 1
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_ask_without_words_says_how(vendor: VendorServer) -> None:
    done = ran(vendor, "examples/ask.py")
    assert "python examples/ask.py economy" in done.stderr


@pytest.mark.thorough
def test_chat_service_streams(vendor: VendorServer) -> None:
    pytest.importorskip("fastapi")
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    words = ("-m", "uvicorn", "--app-dir", "examples", "chat_service:app", "--port", str(port))
    with running(vendor, f"{url}/openapi.json", *words):
        page = fetched(f"{url}/answer?question=Why&tier=standard")
        vendor.script(*[Fault.status(400)] * 9)
        broken = fetched(f"{url}/answer?question=Why")
    events = [block.split("\n") for block in page.strip().split("\n\n")]
    pieces = [json.loads(data.removeprefix("data: ")) for name, data in events if name == "event: piece"]
    assert "".join(pieces) == "Five, seven, five."
    assert len(pieces) > 1
    assert events[-1][0] == "event: end"
    assert json.loads(events[-1][1].removeprefix("data: "))["cost"] != "None"
    assert broken.startswith("event: error")


@pytest.mark.thorough
def test_shop_asks_and_its_admin_opens(vendor: VendorServer, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(EXAMPLES / "shop", shop, ignore=shutil.ignore_patterns("*.sqlite3*", "__pycache__"))
    for command in (["migrate", "-v0"], ["llms", "sync_env"], ["check", "--fail-level", "ERROR"]):
        done = ran(vendor, "manage.py", *command, cwd=shop)
        assert done.returncode == 0, done.stderr
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    with running(vendor, f"{url}/admin/login/", "manage.py", "runserver", "--noreload", str(port), cwd=shop):
        said = json.loads(fetched(f"{url}/describe/tea-cosy/"))
        assert "Django" in fetched(f"{url}/admin/login/")
    assert said["text"] == "Five, seven, five."
    assert said["cost"] != "None"
