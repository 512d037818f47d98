"""Trying an entry for real, step by step: what works is said as soon as it is known, and nothing is saved."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from time import perf_counter
from typing import Final

from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.provider import Provider
from django_app.llms.trial_steps import ABILITIES, NECESSARY, Act, Bench

_SECONDS: Final = 30.0
# No test of the admin may hold a worker of the site for longer, however many steps are slow.
_ALL_SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was tried. One that is not ``needed`` may fail: the entry lacks an ability, no more."""

    name: str
    ok: bool
    detail: str = ""
    seconds: float = 0.0
    cost: Decimal | None = None
    needed: bool = True


async def try_entry(
    entry: LLMEntry, provider: Provider | None = None, *, abilities: bool = False
) -> AsyncIterator[Step]:
    """Endpoint, driver, name, connection, key, model, one short call: ends with the first that fails.

    With ``abilities`` a stream, a tool call and JSON are tried too.
    """
    bench = Bench(entry, provider)
    end = perf_counter() + _ALL_SECONDS
    try:
        for name, act in NECESSARY:
            step = await _timed(name, act, bench, end)
            yield step
            if not step.ok:
                return
        for name, act in ABILITIES if abilities else ():
            yield await _timed(name, act, bench, end, needed=False)
    finally:
        await bench.close()


async def _timed(name: str, act: Act, bench: Bench, end: float, *, needed: bool = True) -> Step:
    started = perf_counter()
    limit = max(0.0, min(_SECONDS, end - started))
    try:
        async with asyncio.timeout(limit):
            detail, cost = await act(bench)
    except (CreativeServicesError, OSError, TimeoutError) as error:
        told = str(error) or f"no answer within {limit:g} s"
        return Step(name=name, ok=False, detail=told, seconds=perf_counter() - started, needed=needed)
    except Exception as error:  # noqa: BLE001 - a provider may be somebody else's; what it raises is what was found out
        told = f"the provider fails with {type(error).__name__}"
        return Step(name=name, ok=False, detail=told, seconds=perf_counter() - started, needed=needed)
    return Step(name=name, ok=True, detail=detail, seconds=perf_counter() - started, cost=cost, needed=needed)
