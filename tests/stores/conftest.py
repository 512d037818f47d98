"""Servers for the tests of the stores: one of each kind for the session, and fresh ones for those who break them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import Server

StartServer = Callable[[type[Server]], Server]


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """``shared_server(kind)`` is the session's server of that kind; leave it running."""
    servers: dict[type[Server], Server] = {}

    def start(kind: type[Server]) -> Server:
        if kind not in servers:
            servers[kind] = kind(tmp_path_factory.mktemp(kind.program))
            servers[kind].start()
        return servers[kind]

    yield start
    for server in servers.values():
        server.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[StartServer]:
    """``own_server(kind)`` is a server of the test's own, to be killed and frozen."""
    servers: list[Server] = []

    def start(kind: type[Server]) -> Server:
        servers.append(kind(tmp_path / kind.program))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
