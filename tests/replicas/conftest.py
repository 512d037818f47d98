"""The routing service as a process, and real servers for those who break them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replicas.service import RoutingServer


@pytest.fixture
def routing(tmp_path: Path) -> Iterator[RoutingServer]:
    """A routing service of the test's own, to be killed and frozen."""
    server = RoutingServer(tmp_path / "routing")
    server.start()
    yield server
    server.stop()
