"""What threads and coroutines open, they close: nothing is left for the garbage collector to find."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from django.db import connection
from django.db.backends.sqlite3.base import Database

from creative_services import LLMTier
from creative_services.adapters import DjangoLLMRegistry
from django_app.llms.usage import DjangoBudgets


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """Every connection from now on; held here, so that none is closed by being forgotten."""
    found: list[sqlite3.Connection] = []
    connect = Database.connect

    def listed(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        found.append(connect(*args, **kwargs))
        return found[-1]

    monkeypatch.setattr(Database, "connect", listed)
    return found


def is_open(each: sqlite3.Connection) -> bool:
    try:
        return each.total_changes >= 0
    except sqlite3.ProgrammingError:
        return False


async def a_look_up() -> None:
    await DjangoLLMRegistry().aget_by_tier(LLMTier.STANDARD)


async def a_look_up_on_the_loop() -> None:
    DjangoLLMRegistry().get_by_tier(LLMTier.STANDARD)


async def a_budget() -> None:
    await DjangoBudgets().in_force()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="counts the connections of SQLite")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("use", [a_look_up, a_look_up_on_the_loop, a_budget])
def test_no_connection_is_left_behind(
    use: Callable[[], Coroutine[Any, Any, None]], opened: list[sqlite3.Connection]
) -> None:
    asyncio.run(use())
    assert opened
    assert [is_open(each) for each in opened] == [False] * len(opened)
