"""A Redis of the test's own, to be killed and started again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from creative_services.server.shared import line
from tests.servers import RedisServer

USUAL_DEADLINE = line.DEADLINE


@pytest.fixture(autouse=True)
def _a_busy_machine_is_not_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested is what is counted; a machine that is slow for a moment would be taken for a broken line."""
    monkeypatch.setattr(line, "DEADLINE", 20.0)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.stop()
