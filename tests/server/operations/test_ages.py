"""Figures that say how old something is, and what counts as a refusal."""

import os
import time
from typing import Any

import pytest

from creative_services.core.access import KeySnapshot
from creative_services.server.access.keys import keys_from
from creative_services.testing.vendors import Fault, VendorServer
from tests.server.house import KEY, House
from tests.server.operations.test_operations import metrics


class Away:
    """A feed that answers once, and then no more."""

    def __init__(self, keys: KeySnapshot) -> None:
        self._keys: KeySnapshot | None = keys

    async def fetch(self, revision: str | None) -> KeySnapshot | None:
        keys, self._keys = self._keys, None
        if keys is None:
            raise OSError("the database is away")
        return keys


async def test_the_ledger_is_as_far_behind_as_its_last_hand_over(house: House) -> None:
    await house.ask()
    assert (await metrics(house))["ledger_handed_over_seconds"] < 60
    spools = house.settings.state / "spool"
    long_ago = time.time() - 1000
    for mark in spools.glob("*/writer.lock"):
        os.utime(mark, (long_ago, long_ago))
    assert (await metrics(house))["ledger_handed_over_seconds"] == pytest.approx(1000, abs=30)
    house.ledger()
    assert (await metrics(house))["ledger_handed_over_seconds"] < 60


async def test_where_no_usage_is_kept_nothing_can_be_behind(open_house: Any) -> None:
    house: House = await open_house(settings={"ledger": None})
    assert not [name for name in await metrics(house) if name.startswith("ledger_")]


async def test_keys_grow_old_while_their_manager_is_away(open_house: Any) -> None:
    keys = keys_from({"CREATIVE_SERVICES_GATEWAY_KEYS": KEY})
    house: House = await open_house(keys=None, feed=Away(keys))
    first = (await metrics(house))["keys_confirmed_seconds"]
    second = (await metrics(house))["keys_confirmed_seconds"]
    assert 0 <= first < second


async def test_keys_of_the_environment_have_no_age(house: House) -> None:
    assert "keys_confirmed_seconds" not in await metrics(house)


async def test_what_a_budget_refuses_reached_no_entry(open_house: Any) -> None:
    house: House = await open_house(keys=f"poor={KEY};day=0.000001")
    assert (await house.ask()).status == 429
    figures = await metrics(house)
    assert figures['refused_total{reason="insufficient_quota"}'] == 1
    assert not [name for name in figures if name.startswith("calls_total")]
    (record,) = house.ledger()
    assert (record.status, record.attempts) == (429, 0)


async def test_a_limit_of_the_vendor_is_a_call(house: House, vendor: VendorServer) -> None:
    vendor.script_for("gpt-small", Fault.status(429), Fault.status(429), Fault.status(429))
    assert (await house.ask()).status == 429
    figures = await metrics(house)
    assert figures['calls_total{surface="chat",tier="economy",provider="openai",status="429"}'] == 1
    assert not [name for name in figures if name.startswith("refused_total")]
