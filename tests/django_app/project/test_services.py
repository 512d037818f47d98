"""A site on PostgreSQL, Redis and NATS, and one whose database goes away."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.django_app.project.cable import Cable
from tests.django_app.project.ups import Browser, Up
from tests.servers import NATSServer

pytestmark = pytest.mark.thorough

Starts = Callable[..., Up]


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NATSServer]:
    server = NATSServer(tmp_path / "nats")
    server.start()
    yield server
    server.stop()


def usage_in(url: str) -> list[str]:
    import psycopg

    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT call_id FROM creative_services_usage")]


def test_it_runs_on_all_three(
    up: Starts, new_postgres_url: Callable[[], str], redis_url: str, nats: NATSServer
) -> None:
    url = new_postgres_url()
    site = up("--demo", "--workers", "2", DATABASE_URL=url, REDIS_URL=redis_url, NATS_URL=nats.url).ready()
    assert [site.call(f"call-{number}").status for number in range(10)] == [200] * 10
    assert Browser(site).log_in(site.password).status == 302
    assert site.get("/registry").status == 200
    assert site.stop() == 0
    assert sorted(usage_in(url)) == sorted(f"call-{number}" for number in range(10))
    assert not (site.data / "site.sqlite3").exists()
    assert "Traceback" not in site.logged()


def test_two_sites_share_a_postgresql(up: Starts, new_postgres_url: Callable[[], str], tmp_path: Path) -> None:
    url = new_postgres_url()
    shared = {"DATABASE_URL": url, "CREATIVE_SERVICES_SECRET_KEY": "the same for both, and long enough " * 2}
    first = Up(tmp_path / "one", "--demo", **shared)
    second = Up(tmp_path / "two", "--demo", **shared)
    try:
        first.ready()
        second.ready()
        assert ("password" in first.said()) + ("password" in second.said()) == 1
        assert first.call("first").status == second.call("second").status == 200
        assert first.stop() == second.stop() == 0
        assert sorted(usage_in(url)) == ["first", "second"]
    finally:
        first.close()
        second.close()


def test_calls_go_on_while_the_database_is_away_and_lose_nothing(
    up: Starts, new_postgres_url: Callable[[], str]
) -> None:
    url = new_postgres_url()
    parts = urlsplit(url)
    assert parts.port
    cable = Cable(parts.port)
    through = url.replace(f":{parts.port}/", f":{cable.port}/")
    site = up("--demo", "--workers", "2", DATABASE_URL=through).all_ready(2)
    assert site.call("before").status == 200
    cable.pull()
    assert site.call("meanwhile").status == 200
    os.kill(site.worker(), signal.SIGKILL)  # its successor has to wait for the database
    until(lambda: "waits for its database" in site.logged(), site)
    begun = time.monotonic()
    assert site.call("still").status == 200
    assert time.monotonic() - begun < 5
    cable.plug()
    until(lambda: "The database is there again." in site.logged(), site)
    until(lambda: sorted(usage_in(url)) == ["before", "meanwhile", "still"], site)
    assert site.get("/admin/login/").status == 200
    assert site.stop() == 0
    cable.pull()


def test_a_worker_that_starts_without_a_database_ends_when_told(
    up: Starts, new_postgres_url: Callable[[], str]
) -> None:
    url = new_postgres_url()
    parts = urlsplit(url)
    assert parts.port
    cable = Cable(parts.port)
    site = up("--demo", DATABASE_URL=url.replace(f":{parts.port}/", f":{cable.port}/"))
    until(lambda: "Ask:" in site.said(), site)  # it listens: its tables are made, its worker is on the way
    cable.pull()
    until(lambda: "waits for its database" in site.logged(), site)
    assert site.stop() == 0
    assert "cannot start" not in site.logged()


def until(holds: Callable[[], bool], site: Up) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, site.logged()
        time.sleep(0.1)
