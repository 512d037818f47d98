"""A routing service for the screens, and replicas that are connected to it."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from creative_services.replicas import Registration
from tests.django_app.admin.conftest import boss as boss
from tests.django_app.admin.conftest import browser as browser
from tests.django_app.admin.conftest import visit as visit
from tests.replicas.service import RoutingServer

QWEN = {"model": "qwen2", "type": "chat"}
LLAMA = {"model": "llama", "type": "chat", "gpus": 2}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoutingServer]:
    """A routing service of the module's own."""
    server = RoutingServer(tmp_path_factory.mktemp("routing"))
    server.start()
    yield server
    server.stop()


class Fleet:
    """Replicas that come and go."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self._url, self._stack = url, stack
        self._known: dict[str, Registration] = {}

    def add(self, name: str, *capabilities: Any) -> None:
        """One registers, and is known when this returns."""
        host = "".join(filter(str.isalnum, name))
        registration = Registration(self._url, f"{host}.internal:8000", list(capabilities) or [QWEN], replica_id=name)
        self._stack.enter_context(registration)
        self._known[name] = registration

    def counts(self, name: str, **figures: float) -> None:
        """It tells what it counts."""
        assert asyncio.run(self._known[name].heartbeat({"request_stats": figures}))

    def drop(self, name: str) -> None:
        """Its connection ends."""
        self._known.pop(name).close()


@pytest.fixture
def fleet(service: RoutingServer, settings: Any) -> Iterator[Fleet]:
    """Nobody yet; the admin looks at them."""
    settings.CREATIVE_SERVICES = {**settings.CREATIVE_SERVICES, "REPLICAS": service.url}
    with ExitStack() as stack:
        yield Fleet(service.url, stack)


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """A store in a folder, which the admin looks at."""
    settings.CREATIVE_SERVICES = {**settings.CREATIVE_SERVICES, "REPLICAS": str(tmp_path / "roster")}
    return tmp_path / "roster"
