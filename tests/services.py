"""Real PostgreSQL and Redis for the tests that need them, on free ports and in directories that go away again."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest

_PATIENCE = 30.0


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server with an empty database."""
    with _scratch("postgres") as directory:
        yield from _postgres(directory)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """An empty Redis server."""
    with _scratch("redis") as directory:
        yield from _redis(directory)


def _program(name: str) -> str:
    # Debian keeps PostgreSQL's server programs out of the PATH, one directory for each version.
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = shutil.which(name) or next(map(str, versions), None)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install postgresql redis-server)")
    return found


@contextmanager
def _scratch(name: str) -> Iterator[Path]:
    # Not pytest's tmp_path: PostgreSQL runs as another user, who may not enter root's directories.
    directory = Path(mkdtemp(prefix=f"{name}-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _as_postgres(directory: Path) -> list[str]:
    """PostgreSQL refuses to run as root, so root lends it the account that comes with the package."""
    if os.geteuid() != 0:
        return []
    shutil.chown(directory, "postgres", "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _postgres(directory: Path) -> Iterator[str]:
    initdb, server = _program("initdb"), _program("postgres")
    prefix, data, port = _as_postgres(directory), str(directory / "data"), _free_port()
    run = [*prefix, initdb, "-D", data, "-U", "tests", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]
    subprocess.run(run, check=True, capture_output=True, cwd=directory)
    options = [
        f"-cport={port}",
        "-clisten_addresses=127.0.0.1",
        f"-cunix_socket_directories={directory}",
        "-cfsync=off",
    ]
    with _running([*prefix, server, "-D", data, *options, "-cmax_connections=200"], port, directory):
        url = f"postgresql://tests@127.0.0.1:{port}/tests"
        _create_database(url)
        yield url


def _create_database(url: str) -> None:
    import psycopg

    end = time.monotonic() + _PATIENCE
    while True:
        try:
            with psycopg.connect(url.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE tests")
            return
        except psycopg.OperationalError:  # the port is open a moment before the server takes connections
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _redis(directory: Path) -> Iterator[str]:
    port = _free_port()
    command = [
        _program("redis-server"),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(directory),
    ]
    with _running(command, port, directory):
        yield f"redis://127.0.0.1:{port}/0"


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int, directory: Path) -> Iterator[None]:
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory)
        try:
            _wait_for(port, process, directory / "log")
            yield
        finally:
            process.send_signal(2)  # SIGINT: PostgreSQL's fast shutdown, and a clean one for Redis
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            process.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not start: {log.read_text(errors='replace')[-2000:]}")
