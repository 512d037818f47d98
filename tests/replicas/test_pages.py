"""Both reference documents, run to the letter: every block and every curl line of docs/replicas."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from creative_services import replicas
from tests.house.examples import ROOT, Notebook, read
from tests.replicas.kserve_server import KServe
from tests.servers import ConsulDouble, free_ports

pytestmark = pytest.mark.thorough

# Loaded now: pytest reads a module's source when it is imported, which Python 3.11 cannot do as deep down as a page is.
LOADED = [getattr(replicas, name) for name in replicas.__all__]

PAGES = sorted((ROOT / "docs" / "replicas").glob("*.rst"))
_STAYS = (" -N ", "replicas serve")


class Terminals(Notebook):
    """A reader with several terminals, on ports of this test's own instead of the printed ones."""

    def __init__(self, home: Path, names: dict[str, Any], ports: dict[str, str]) -> None:
        super().__init__(home, {}, names)
        self._ports = ports
        self._open: dict[str, subprocess.Popen[bytes]] = {}
        self.names["interrupt"] = self.interrupt

    def python(self, source: str, where: str, line: int) -> None:
        super().python(self._here(source), where, line)
        self.output = self._printed(self.output)

    def shell(self, command: str) -> None:
        here = self._here(command).replace("--port 8080", f"--port {self._ports['localhost:8080'].rpartition(':')[2]}")
        if any(words in here for words in _STAYS):
            self._stay(here)
        else:
            # What curl shows of its progress is no part of an answer.
            super().shell(here.replace("curl ", "curl -s ", 1))
        self.output = self._printed(self.output)

    def _stay(self, command: str) -> None:
        log = self.home / f"terminal-{len(self._open)}"
        environment = {
            **os.environ,
            "PATH": f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
        words = log.with_suffix(".err")  # where curl shows its progress, and the service what it does
        with log.open("wb") as output, words.open("wb") as remarks:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"], stdout=output, stderr=remarks, env=environment, process_group=0
            )
        wanted = b"Routing on" if "replicas serve" in command else b"alive"
        name = (
            "serve"
            if "replicas serve" in command
            else json.loads(command.rpartition("-d ")[2].strip("'"))["replica_id"]
        )
        self._open[f"{name}"] = process
        end = time.monotonic() + 20
        while wanted not in log.read_bytes() + words.read_bytes():
            assert process.poll() is None, words.read_text()
            assert time.monotonic() < end, words.read_text()
            time.sleep(0.02)
        if wanted == b"Routing on":
            self._until_it_answers()
        lines = [line for line in log.read_text().splitlines() if line.startswith("data:")]
        self.output = "\n".join([*lines, "", ""])

    def _until_it_answers(self) -> None:
        end = time.monotonic() + 20
        while subprocess.run(
            ["curl", "-sf", f"http://{self._ports['localhost:8080']}/health"], check=False, capture_output=True
        ).returncode:
            assert time.monotonic() < end
            time.sleep(0.05)

    def interrupt(self, name: str) -> None:
        """Ctrl-C in the terminal of this replica."""
        process = self._open.pop(name)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(10)
        time.sleep(0.2)

    def close(self) -> None:
        for name in list(self._open):
            self.interrupt(name)
        super().close()

    def _here(self, text: str) -> str:
        for printed, real in self._ports.items():
            text = text.replace(printed, real)
        return text

    def _printed(self, text: str) -> str:
        for printed, real in self._ports.items():
            text = text.replace(real, printed)
        return text


class ModelServer(BaseHTTPRequestHandler):
    """Says the prompt again."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = "prompt" in asked
        answer = json.dumps({"echo": asked["prompt"]} if known else {"error": "no prompt"}).encode()
        self.send_response(200 if known else 422)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def next_model_server() -> Iterator[Any]:
    """Starts a model server; its address."""
    started: list[ThreadingHTTPServer] = []

    def start() -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), ModelServer)
        server.daemon_threads = True
        started.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def aioconsul(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package that the document imports and nobody publishes any more, in front of our double of an agent."""
    agent = ConsulDouble(tmp_path / "consul")
    agent.start()

    class Consul:
        address = f"http://127.0.0.1:{agent.port}"

        async def __aenter__(self) -> "Consul":
            return self

        async def __aexit__(self, *_: object) -> None:
            pass

    module = types.ModuleType("aioconsul")
    module.Consul = Consul  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "aioconsul", module)
    yield
    agent.stop()


async def make_request(uri: str) -> float:
    """The document's stand-in for a request of yours."""
    await asyncio.sleep(0)
    return 0.2


@pytest.fixture
def terminals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aioconsul: None, next_model_server: Any
) -> Iterator[Terminals]:
    pytest.importorskip("fastapi")
    if not shutil.which("curl"):
        pytest.skip("curl is not installed (Debian: curl)")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    chat, (service, embed) = KServe(), free_ports(2)
    ports = {
        "localhost:8080": f"127.0.0.1:{service}",
        "localhost:50051": f"127.0.0.1:{chat.port}",
        "localhost:50052": f"127.0.0.1:{embed}",
    }
    names = {
        "next_model_server": next_model_server,
        "make_request": make_request,
        "payload": {"no": "prompt"},
        "large_payload_list": [{"prompt": str(number)} for number in range(50)],
    }
    book = Terminals(home, names, ports)
    yield book
    book.close()
    chat.stop()


# The document drops a store without closing it, as readers will.
@pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_and_every_curl_line_runs(page: Path, terminals: Terminals) -> None:
    read(page, terminals)
