"""Bulk work lets others have the core."""

import os

import pytest

from creative_services.telemetry.spool.politeness import politely


def test_everything_comes_in_its_order_and_others_get_their_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    turns: list[int] = []
    monkeypatch.setattr(os, "sched_yield", lambda: turns.append(1), raising=False)
    taken.extend(politely(range(100)))
    assert taken == list(range(100))
    assert len(turns) == 7, "at the start, and after every sixteenth"


def test_a_system_without_such_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_yield", raising=False)
    assert list(politely("abc")) == ["a", "b", "c"]
