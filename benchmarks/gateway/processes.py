"""Processes pinned to a core, what they cost, and whether they are there yet."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER_CORE, OTHER_CORE = 0, 1
_TICK = os.sysconf("SC_CLK_TCK")
_START_SECONDS = 90.0  # a proxy of Python's with all its parts takes half of that on a busy machine


def pinned(core: int) -> list[str]:
    """The prefix of a command that stays on one core."""
    return ["taskset", "-c", str(core)] if shutil.which("taskset") else []


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def running(
    command: list[str], port: int, core: int, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, once it answers."""
    process = subprocess.Popen(
        [*pinned(core), *command], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port, process)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:  # not ours: the figures are taken, and it has nothing to lose
            process.kill()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            asked = HTTPConnection("127.0.0.1", port, timeout=5)
            asked.request("GET", "/health")
            asked.getresponse().read()
        except (OSError, HTTPException):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{process.args!r} did not start")


@contextmanager
def upstream(delay: float = 0.0, gap: float = 0.0, events: int = 100) -> Iterator[str]:
    """The vendor's address."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.gateway.upstream", "--port", str(port), "--delay", str(delay)]
    with running([*command, "--gap", str(gap), "--events", str(events)], port, OTHER_CORE):
        yield f"http://127.0.0.1:{port}"


def family(pid: int) -> list[int]:
    """The process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in family(int(child)))]


def cpu_seconds(pid: int) -> float:
    """What the process and its children have used."""
    fields = [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in family(pid)]
    return sum(int(each[11]) + int(each[12]) for each in fields) / _TICK


def memory(pid: int) -> int:
    """Bytes in memory of the process and its children; pages that several share are counted in parts."""
    found = (Path(f"/proc/{each}/smaps_rollup").read_text().splitlines() for each in family(pid))
    return sum(int(line.split()[1]) * 1024 for lines in found for line in lines if line.startswith("Pss:"))


def threads(pid: int) -> int:
    """How many threads the process and its children have."""
    return sum(len(list(Path(f"/proc/{each}/task").iterdir())) for each in family(pid))
