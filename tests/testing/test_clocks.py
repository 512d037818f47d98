"""Time that passes only when a test says so."""

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from creative_services.core.clock import Clock
from creative_services.system_clock import SystemClock
from creative_services.testing import SteppingClock


def test_both_clocks_are_clocks() -> None:
    clocks: list[Clock] = [SystemClock(), SteppingClock()]
    for clock in clocks:
        before = clock.now()
        assert clock.utcnow().tzinfo is UTC
        assert clock.utcnow() - timedelta(days=1) < datetime.combine(clock.today(), datetime.max.time(), UTC)
        assert clock.now() >= before


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        (None, datetime(2030, 1, 1, tzinfo=UTC)),
        (date(2026, 11, 21), datetime(2026, 11, 21, tzinfo=UTC)),
        (datetime(2026, 11, 21, 9, 30), datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        (datetime(2026, 11, 21, 1, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 11, 20, 23, tzinfo=UTC)),
    ],
)
def test_it_begins_where_it_is_told(at: date | datetime | None, moment: datetime) -> None:
    clock = SteppingClock(at)
    assert clock.utcnow() == moment
    assert clock.today() == moment.date()
    assert clock.now() == 0


def test_it_stands_still_until_it_is_moved() -> None:
    clock = SteppingClock(date(2026, 12, 31))
    assert clock.now() == clock.now()
    clock.advance(0.5)
    clock.advance(days=1)
    assert clock.now() == 86_400.5
    assert clock.today() == date(2027, 1, 1)
    for backwards in ({"seconds": -1}, {"days": -1}):
        with pytest.raises(ValueError, match="backwards"):
            clock.advance(**backwards)


async def test_a_sleep_of_an_hour_takes_an_hour_of_its_time_and_none_of_ours() -> None:
    clock = SteppingClock()
    started = asyncio.get_running_loop().time()
    await clock.sleep(360_000)
    assert clock.now() == 360_000
    assert asyncio.get_running_loop().time() - started < 3600


async def test_sleepers_wake_in_order_and_sleep_side_by_side() -> None:
    clock, woken = SteppingClock(), []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woken.append((name, clock.now()))

    await asyncio.gather(sleeper("long", 10), sleeper("often", 3, 3, 3, 3), sleeper("short", 1))
    assert woken == [("short", 1), ("often", 3), ("often", 6), ("often", 9), ("long", 10), ("often", 12)]


async def test_a_cancelled_sleeper_holds_nobody_up() -> None:
    clock = SteppingClock()
    late, soon = asyncio.create_task(clock.sleep(50)), asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    soon.cancel()
    await late
    assert clock.now() == 50


@pytest.mark.parametrize("seconds", [0, -1])
async def test_no_time_is_no_time_but_others_get_their_turn(seconds: float) -> None:
    clock, seen = SteppingClock(), []
    asyncio.get_running_loop().call_soon(seen.append, "another's turn")
    await clock.sleep(seconds)
    assert clock.now() == 0
    assert seen


async def test_the_real_clock_waits() -> None:
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(0.01)
    assert clock.now() - before >= 0.009
