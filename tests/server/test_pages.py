"""The gateway's pages, read with a terminal: a server that runs, and every client a page says works with it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from creative_services.testing.vendors import VendorServer
from tests.house.examples import ROOT, Notebook, read, vendor_environment
from tests.servers import RedisServer, free_ports

pytestmark = pytest.mark.thorough  # each starts servers and programs

PAGES = sorted((ROOT / "docs" / "gateway").glob("*.rst"))
PRINTED = "localhost:8080"
NODE = Path(os.environ.get("NODE_CALLERS") or Path(__file__).parent / "callers" / "node") / "node_modules"


class Terminal(Notebook):
    """``creative-services serve`` goes on while the reader types; ``export`` holds for what follows."""

    def __init__(self, home: Path, environment: dict[str, str], names: dict[str, Any], their_python: str) -> None:
        super().__init__(home, environment, names)
        (port,) = free_ports(1)
        self._here = f"127.0.0.1:{port}"
        self._server: subprocess.Popen[bytes] | None = None
        self._saved = ""
        self.names["stop_server"] = self.stop_server
        if their_python:
            (home / "bin" / "python").write_text(f'#!/bin/sh\nexec {their_python} "$@"\n')

    def save(self, name: str, source: str) -> None:
        self._saved = source
        super().save(name, source.replace(PRINTED, self._here))

    def python(self, source: str, where: str, line: int) -> None:
        if source != self._saved:  # a program with a name is there to be run by it
            super().python(source.replace(PRINTED, self._here), where, line)

    def shell(self, command: str) -> None:
        here = command.replace(PRINTED, self._here)
        if here.startswith("export "):
            name, _, value = here.removeprefix("export ").partition("=")
            self.environment = {**self.environment, name: value.strip("'\"")}
        elif "creative-services serve" in here and "--help" not in here:
            self._serve(f"{here} --port {self._here.rpartition(':')[2]}")
        else:
            super().shell(here)
        self.output = self.output.replace(self._here, PRINTED)

    def _serve(self, command: str) -> None:
        self.stop_server()
        environment = {**os.environ, **self.environment, "PYTHONPATH": str(ROOT)}
        environment["PATH"] = f"{self.home / 'bin'}{os.pathsep}{environment['PATH']}"
        with (self.home / "server.log").open("wb") as log:
            self._server = subprocess.Popen(["bash", "-c", f"exec env {command}"], stderr=log, env=environment)
        end = time.monotonic() + 60
        while not self._answers():
            gone = self._server.poll() is not None or time.monotonic() > end
            assert not gone, (self.home / "server.log").read_text()
            time.sleep(0.05)

    def _answers(self) -> bool:
        url = f"http://{self._here}/health/ready"
        return subprocess.run(["curl", "-sf", url], capture_output=True, check=False).returncode == 0

    def stop_server(self) -> None:
        """SIGTERM, and what it takes to end."""
        if self._server is not None:
            self._server.terminate()
            assert self._server.wait(60) == 0, (self.home / "server.log").read_text()
            self._server = None

    def close(self) -> None:
        try:
            super().close()
        finally:
            self.stop_server()


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed (Debian: curl)")
    monkeypatch.chdir(tmp_path)
    page: Path = request.node.callspec.params["page"]
    theirs = _others(tmp_path) if page.name == "clients.rst" else ""
    redis = RedisServer(tmp_path / "redis")
    with VendorServer() as vendors:
        # Two vendors, so that the pages can say who answers.
        known = {name: value for name, value in vendor_environment(vendors).items() if not name.startswith("GROQ")}
        environment = {
            **known,
            "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / ".local" / "state"),
            "CREATIVE_SERVICES_GATEWAY_DRAIN": "0.1",
            "PATH": os.pathsep.join(filter(None, [str(Path(theirs).parent) if theirs else "", os.environ["PATH"]])),
        }  # fmt: skip
        for name in ("PATH", "HOME"):
            monkeypatch.setenv(name, environment[name])
        book = Terminal(tmp_path, environment, {"vendors": vendors, "redis": redis}, theirs)
        yield book
        book.close()
        redis.stop()


def _others(home: Path) -> str:
    """A Python with LangChain and llm; Node's packages, where its programs look for them."""
    theirs = os.environ.get("CALLERS_PYTHON")
    if theirs is None:
        pytest.skip("LangChain and llm are not installed (CALLERS_PYTHON names no Python that has them)")
    if shutil.which("node") is None or not NODE.is_dir():
        pytest.skip("the SDKs for Node are not installed (npm ci in tests/server/callers/node, or NODE_CALLERS)")
    (home / "node_modules").symlink_to(NODE)
    return theirs


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_runs(page: Path, terminal: Terminal) -> None:
    read(page, terminal)
