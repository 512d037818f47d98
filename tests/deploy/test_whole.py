"""What compose.yaml starts, started: the same command with the same variables, over real PostgreSQL, Redis and NATS."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.deploy.files import ROOT, program, read
from tests.servers import NATSServer, free_ports
from tests.services import postgres_url as postgres_url
from tests.services import redis_url as redis_url

SERVICE = read("compose.yaml")["services"]["creative-services"]
KEY = "a-key-for-somebody-0123456789"
PASSWORD = "correct-horse-battery-staple"
PATIENCE = 90.0
FILLED_IN = {"ADMIN_PASSWORD": PASSWORD, "GATEWAY_KEYS": f"somebody={KEY}", "OPENAI_API_KEY": "sk-nobody-calls-it-0123"}


@pytest.fixture(scope="module")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program("nats-server")
    server = NATSServer(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def site(
    postgres_url: str, redis_url: str, nats_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    folder = tmp_path_factory.mktemp("site")
    (port,) = free_ports(1)
    given = {
        name: re.sub(r"\$\{(\w+)[^}]*\}", lambda found: FILLED_IN.get(found[1], ""), written)
        for name, written in SERVICE["environment"].items()
    }
    given |= {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "NATS_URL": nats_url}
    words = [word.replace("0.0.0.0", "127.0.0.1").replace("8080", str(port)) for word in SERVICE["command"]]
    words = [word.replace("/data", str(folder / "data")) for word in words]
    # Nothing of this shell's: a container has none of it either.
    environment = {"PATH": os.environ["PATH"], "HOME": "/", "PYTHONPATH": str(ROOT), **given}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "creative_services", *words], stdout=log, stderr=log, env=environment
        )
        try:
            _until_ready(f"http://127.0.0.1:{port}", process, folder / "log")
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def _until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        with suppress(OSError), urlopen(f"{url}/health/ready", timeout=5):
            return
        time.sleep(0.2)


def got(url: str, **headers: str) -> tuple[int, str]:
    try:
        with urlopen(Request(url, headers=headers), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def figures(url: str) -> dict[str, str]:
    page = got(f"{url}/metrics")[1]
    return dict(line.split(" ") for line in page.splitlines() if not line.startswith("#"))


@pytest.mark.thorough
def test_it_answers_people_callers_and_prometheus(site: tuple[str, object]) -> None:
    url, _ = site
    assert got(f"{url}/admin/login/")[0] == 200
    status, models = got(f"{url}/v1/models", authorization=f"Bearer {KEY}")
    assert status == 200
    assert "economy" in {model["id"] for model in json.loads(models)["data"]}
    assert got(f"{url}/v1/models")[0] == 401
    assert figures(url)["creative_services_gateway_ready"] == "1"


@pytest.mark.thorough
@pytest.mark.parametrize("age", ["ledger_handed_over_seconds", "keys_confirmed_seconds"])
def test_what_grows_old_is_renewed(site: tuple[str, object], age: str) -> None:
    """By the parent, which hands records over, or by a look at the database."""
    url, _ = site
    end, oldest = time.monotonic() + PATIENCE, 0.0
    while (seen := float(figures(url)[f"creative_services_gateway_{age}"])) >= oldest:
        assert time.monotonic() < end, f"{age} only grows"
        oldest = seen
        time.sleep(0.05)


@pytest.mark.thorough
def test_its_tables_are_postgresqls(site: tuple[str, object], postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        users = connection.execute("SELECT username FROM auth_user WHERE is_superuser").fetchall()
    assert users == [("admin",)]


@pytest.mark.thorough
def test_it_ends_well(site: tuple[str, "subprocess.Popen[bytes]"]) -> None:
    _, process = site
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
