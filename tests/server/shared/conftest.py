"""Patience with a slow machine."""

import pytest

from creative_services.server.shared import line

USUAL_DEADLINE = line.DEADLINE


@pytest.fixture(autouse=True)
def _a_busy_machine_is_not_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested is what is counted; a machine that is slow for a moment would be taken for a broken line."""
    monkeypatch.setattr(line, "DEADLINE", 20.0)
