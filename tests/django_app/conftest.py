"""Django's settings for the tests of this directory; every other test runs without Django."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import django
import pytest

from tests.django_app.projects import Project
from tests.services import postgres_url as postgres_url
from tests.services import redis_url as redis_url

# Here and not in pyproject.toml: a session that tests only the SDK must not need Django at all.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.django_app.settings")
django.setup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each database we promise; empty for a SQLite file."""
    return "" if request.param == "sqlite" else request.getfixturevalue("new_postgres_url")()


@pytest.fixture(scope="session")
def new_postgres_url(postgres_url: str) -> Callable[[], str]:
    """Makes an empty PostgreSQL database at every call."""
    from itertools import count

    import psycopg

    numbers = count(1)

    def make() -> str:
        name = f"tests_{next(numbers)}"
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return postgres_url.rpartition("/")[0] + f"/{name}"

    return make


@pytest.fixture
def new_project(tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """Makes a migrated project at a database URL."""
    made: list[Project] = []

    def make(url: str = "", **creative_services: object) -> Project:
        project = Project(tmp_path, url, **creative_services)
        made.append(project)
        project.manage("migrate", "-v0")
        return project

    yield make
    for project in made:
        project.close()
