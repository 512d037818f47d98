"""Every try is a row, the sums are true, and memory is bounded."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Thread

import pytest

from creative_services.core.events import Event
from creative_services.telemetry import UsageListener
from creative_services.telemetry.ledger import OTHERS, UsageLedger, UsageRow
from creative_services.testing import Delayed, SteppingClock
from tests.telemetry.conftest import ANSWER, GOOD, KEY, PROMPT, USAGE, Made, entry


async def test_every_try_is_a_row(made: Made, clock: SteppingClock) -> None:
    usage = UsageListener()
    await made(usage).generate(PROMPT, tier="standard", user_id="ada")
    failed, answered = usage.rows()
    assert (failed.attempt, failed.llm_id, failed.outcome, failed.usage, failed.cost) == (
        1, 1, "RateLimitedError", None, None,
    )  # fmt: skip
    assert (answered.attempt, answered.llm_id, answered.outcome, answered.usage) == (2, 2, "ok", USAGE)
    assert answered.cost == Decimal("2.4")
    assert answered.user_id == "ada"
    assert answered.at == clock.utcnow()
    assert answered.price_source == "explicit"
    assert failed.call_id == answered.call_id


async def test_sums_are_kept_per_tier_entry_user_and_day(made: Made, clock: SteppingClock) -> None:
    usage = UsageListener()
    client = made(usage, first=GOOD)
    await client.generate(PROMPT, tier="standard", user_id="ada")
    clock.advance(days=1)
    await client.generate(PROMPT, llm_id=2, user_id="ada")
    await client.generate(PROMPT, llm_id=2)

    def costs(by: str) -> dict[str, Decimal]:
        return {key: total.cost for key, total in usage.totals(by=by).items()}  # type: ignore[arg-type]  # a loop's word

    assert costs("tier") == {"standard": Decimal("6.0")}
    assert costs("entry") == {"1 Model 1": Decimal("1.2"), "2 Model 2": Decimal("4.8")}
    assert costs("user") == {"ada": Decimal("3.6"), "anonymous": Decimal("2.4")}
    assert costs("day") == {"2030-01-01": Decimal("1.2"), "2030-01-02": Decimal("4.8")}
    assert usage.total.attempts == 3
    assert usage.total.usage.input_tokens == 3000


async def test_a_cancelled_call_leaves_an_estimated_row(made: Made) -> None:
    usage = UsageListener()
    client = made(usage, first=Delayed(float("inf")), entries=[entry(1)])
    call = asyncio.create_task(client.generate(PROMPT, tier="standard"))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    (row,) = usage.rows()
    assert row.outcome == "cancelled"
    assert row.usage is not None
    assert row.usage.estimated
    assert row.cost is not None
    assert usage.total.failed == 1


async def test_an_unknown_price_is_counted_and_not_taken_for_zero(made: Made) -> None:
    usage = UsageListener()
    unpriced = entry(2, cost_per_1k_input=None, cost_per_1k_output=None)
    await made(usage, entries=[unpriced]).generate(PROMPT, tier="standard")
    assert (usage.total.unpriced, usage.total.cost) == (1, 0)
    assert usage.rows()[0].cost is None


def test_asking_for_other_sums_says_which_there_are() -> None:
    with pytest.raises(ValueError, match="tier, entry, user, day"):
        UsageListener().totals(by="model")  # type: ignore[arg-type]  # the mistake under test


async def a_row(made: Made) -> UsageRow:
    usage = UsageListener()
    await made(usage, first=GOOD).generate(PROMPT, tier="standard", user_id="ada")
    return usage.rows()[0]


async def test_memory_is_bounded_and_sums_stay_true(made: Made) -> None:
    row = await a_row(made)
    ledger = UsageLedger(keep=5, names=3)
    for number in range(10):
        ledger.add(replace(row, user_id=f"user{number}", attempt=number))
    assert [each.attempt for each in ledger.rows()] == [5, 6, 7, 8, 9]
    users = ledger.totals("user")
    assert set(users) == {"user0", "user1", "user2", OTHERS}
    assert users[OTHERS].attempts == 7
    assert sum(total.cost for total in users.values()) == ledger.total.cost == 10 * Decimal("1.2")


async def test_threads_lose_no_row(made: Made) -> None:
    row = await a_row(made)
    ledger = UsageLedger()
    threads = [Thread(target=lambda: [ledger.add(row) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.total.attempts == 4000
    assert ledger.totals("tier")["standard"].cost == 4000 * Decimal("1.2")


async def test_the_file_gets_every_row_and_no_content(made: Made, tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    with UsageListener(path) as usage:
        await made(usage).generate(PROMPT, tier="standard", user_id="ada")
        assert usage.flush()
        written = path.read_text()
    failed, answered = map(json.loads, written.splitlines())
    assert failed["outcome"] == "RateLimitedError"
    assert answered["cost"] == "2.4"
    assert answered["usage"]["cached_tokens"] == 400
    assert answered["at"].startswith("2030-01-01T00:00:00")
    for secret in (PROMPT, ANSWER, KEY):
        assert secret not in written


async def test_a_file_that_cannot_be_written_breaks_no_call(made: Made, tmp_path: Path) -> None:
    usage = UsageListener(tmp_path / "no such directory" / "usage.jsonl")
    response = await made(usage).generate(PROMPT, tier="standard")
    assert usage.flush()
    assert response.content == ANSWER
    assert usage.file is not None
    assert usage.file.lost == 2
    assert len(usage.rows()) == 2


async def test_only_tries_cost_memory(made: Made) -> None:
    heard: list[Event] = []
    usage = UsageListener()
    await made(usage, heard.append).generate(PROMPT, tier="standard")
    assert len(heard) == 3
    assert len(usage.rows()) == 2


async def test_a_total_that_was_read_does_not_change(made: Made) -> None:
    ledger = UsageLedger()
    row = await a_row(made)
    ledger.add(row)
    before = ledger.total
    ledger.add(replace(row, at=row.at + timedelta(days=1)))
    assert (before.attempts, ledger.total.attempts) == (1, 2)
