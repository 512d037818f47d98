"""The pieces of a site that need no process: its settings from the environment, its secret files, its database."""

import os
import stat
from pathlib import Path

import pytest

from creative_services.core.errors import ConfigurationError
from creative_services.core.secrets import Secret
from django_app.project import data_dir
from django_app.project.databases import database
from django_app.project.replicas import refuse_unreadable
from django_app.project.site import Site


def test_nothing_in_the_environment_is_a_site_too() -> None:
    site = Site.from_env({"XDG_STATE_HOME": "/state"})
    assert site.data_dir == Path("/state/creative-services/site")
    assert (site.public_url, site.public_host, site.is_https, site.database_url) == ("", "", False, None)


def test_what_is_secret_is_not_shown() -> None:
    environ = {
        "DATABASE_URL": "postgresql://u:geheim@h/db", "REDIS_URL": "redis://:geheim@h", "NATS_URL": "nats://u:geheim@h",
        "CREATIVE_SERVICES_SECRET_KEY": "geheim", "CREATIVE_SERVICES_ENCRYPTION_KEYS": "geheim1, geheim2",
    }  # fmt: skip
    site = Site.from_env(environ)
    assert "geheim" not in repr(site)
    assert [key.reveal() for key in site.encryption_keys] == ["geheim1", "geheim2"]


@pytest.mark.parametrize(("written", "host"), [("https://a.example", "a.example"), ("http://[::1]:8080/", "::1")])
def test_the_public_address_gives_its_host(written: str, host: str) -> None:
    assert Site.from_env({"CREATIVE_SERVICES_PUBLIC_URL": written}).public_host == host


@pytest.mark.parametrize("written", ["a.example", "ftp://a.example", "https://", "https://a.example/path"])
def test_no_address_is_refused(written: str) -> None:
    with pytest.raises(ConfigurationError, match="PUBLIC_URL"):
        Site.from_env({"CREATIVE_SERVICES_PUBLIC_URL": written})


def test_a_secret_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    path, made = tmp_path / "key", iter(["first", "second"])
    assert data_dir.kept(path, made.__next__) == data_dir.kept(path, made.__next__) == "first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_of_two_who_make_it_at_once_the_first_wins(tmp_path: Path) -> None:
    path = tmp_path / "key"

    def make() -> str:
        path.write_text("theirs")
        return "ours"

    assert data_dir.kept(path, make) == "theirs"


def test_an_empty_secret_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "key").touch()
    with pytest.raises(ConfigurationError, match="is empty"):
        data_dir.kept(tmp_path / "key", lambda: "new")


def test_the_directory_is_its_owners(tmp_path: Path) -> None:
    data_dir.prepare(tmp_path / "a" / "site")
    assert stat.S_IMODE((tmp_path / "a" / "site").stat().st_mode) == 0o700


def test_a_long_name_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 120)
    long.mkdir()
    with data_dir.socket_path(long) as path:
        assert len(os.fsencode(path)) < 104
        assert not path.startswith(str(long))
    assert not Path(path).parent.exists()


def test_without_a_url_the_database_is_a_file_that_many_may_write(tmp_path: Path) -> None:
    found = database(None, tmp_path)
    assert found["NAME"] == str(tmp_path / "site.sqlite3")
    assert "journal_mode=WAL" in found["OPTIONS"]["init_command"]


def test_a_postgresql_url(tmp_path: Path) -> None:
    found = database(Secret("postgresql://me:a%40b@db.example:5433/site?sslmode=require"), tmp_path)
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == ("me", "a@b", "db.example", 5433)
    assert found["OPTIONS"] == {"connect_timeout": 5, "sslmode": "require"}


def test_a_sqlite_url(tmp_path: Path) -> None:
    assert database(Secret("sqlite:////var/lib/site.sqlite3"), tmp_path)["NAME"] == "/var/lib/site.sqlite3"


@pytest.mark.parametrize(
    "url", ["geheim", "mysql://geheim@h/db", "postgresql://u:geheim@h", "sqlite://", "sqlite://:memory:"]
)
def test_a_url_that_cannot_be_used(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        database(Secret(url), tmp_path)
    assert "geheim" not in str(error.value)


@pytest.mark.parametrize("name", ["redis_url", "nats_url"])
def test_an_address_of_another_kind_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=name.upper()):
        refuse_unreadable(Site.from_env({name.upper(): "http://geheim"}))
