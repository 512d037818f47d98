"""Django's settings for the tests of this directory; every other test runs without Django."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from shutil import copyfile

import django
import pytest

from tests.django_app.projects import Project, nursery
from tests.services import postgres_url as postgres_url
from tests.services import redis_url as redis_url

# Here and not in pyproject.toml: a session that tests only the SDK must not need Django at all.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.django_app.settings")
django.setup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each database we promise; empty for a SQLite file."""
    return "" if request.param == "sqlite" else request.getfixturevalue("new_postgres_url")()


@pytest.fixture(scope="session", autouse=True)
def _nursery_closes() -> Iterator[None]:
    yield
    if nursery.cache_info().currsize:
        nursery().close()


@pytest.fixture(scope="session")
def create_database(postgres_url: str) -> Callable[..., str]:
    """Makes a PostgreSQL database, empty or like another one, at every call."""
    import psycopg

    numbers = count(1)

    def create(template: str = "template1") -> str:
        name = f"tests_{next(numbers)}"
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return postgres_url.rpartition("/")[0] + f"/{name}"

    return create


@pytest.fixture(scope="session")
def new_postgres_url(create_database: Callable[..., str]) -> Callable[[], str]:
    """Makes an empty PostgreSQL database at every call."""
    return create_database


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[[str], Path | str]:
    """A SQLite file or PostgreSQL database after ``migrate``, to be copied: migrating again shows nothing new."""

    @cache
    def make(vendor: str) -> Path | str:
        url = request.getfixturevalue("create_database")() if vendor == "postgresql" else ""
        project = Project(tmp_path_factory.mktemp("migrated"), url)
        project.manage("migrate", "-v0")
        return url.rpartition("/")[2] or project.file

    return make


@pytest.fixture
def migrated_postgres_url(migrated: Callable[[str], str], create_database: Callable[..., str]) -> Callable[[], str]:
    """Makes a migrated PostgreSQL database at every call."""
    return lambda: create_database(migrated("postgresql"))


@pytest.fixture
def new_project(
    tmp_path: Path, migrated: Callable[[str], Path | str], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Project]]:
    """Makes a migrated project: in a database beside the one at the URL, or in a SQLite file."""
    made: list[Project] = []

    def make(url: str = "", **creative_services: object) -> Project:
        if url:
            url = request.getfixturevalue("migrated_postgres_url")()
        project = Project(tmp_path, url, **creative_services)
        made.append(project)
        if not url:
            copyfile(migrated("sqlite"), project.file)
        return project

    yield make
    for project in made:
        project.close()
