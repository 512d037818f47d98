"""Whole sites as processes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.django_app.project.ups import Up


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Starts ``creative-services up`` in a data directory of this test."""
    started: list[Up] = []

    def start(*options: str, **environ: str) -> Up:
        started.append(Up(tmp_path / "data", *options, **environ))
        return started[-1]

    yield start
    for each in started:
        each.close()
