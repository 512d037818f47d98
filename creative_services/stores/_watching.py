"""Watching that survives what happens to the store: after a gap everything is read again and the difference told."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from creative_services.core.errors import StoreError
from creative_services.core.retries import full_jitter
from creative_services.core.store import Changes


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything under the prefix."""

    values: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Some:
    """The present values of some keys; None for those that are gone."""

    values: Mapping[str, bytes | None]


Readings = AsyncGenerator[Whole | Some]


class _Mirror:
    """What the watcher was told so far."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}
        self._silent = True  # so that the first reading is told even if it is empty, as the first after an outage is
        self._lost = False

    def take(self, reading: Whole | Some) -> Changes | None:
        """What is new in a reading; None when nothing is."""
        values: dict[str, bytes | None] = {k: v for k, v in reading.values.items() if self._known.get(k) != v}
        if isinstance(reading, Whole):
            values |= dict.fromkeys(self._known.keys() - reading.values.keys())
        for key, value in values.items():
            if value is None:
                del self._known[key]
            else:
                self._known[key] = value
        silent, self._silent, self._lost = self._silent, False, False
        return Changes(values=values) if values or silent else None

    def lose(self, error: StoreError) -> Changes | None:
        """The outage, when it has just begun."""
        if self._lost:
            return None
        self._lost = self._silent = True
        return Changes(outage=error)


async def watching(read: Callable[[], Readings]) -> AsyncGenerator[Changes]:
    """Follow ``read()``, which yields a ``Whole`` first; when it ends or fails, begin it anew."""
    mirror, failures = _Mirror(), 0
    while True:
        try:
            async with aclosing(read()) as readings:
                async for reading in readings:
                    failures = 0
                    if changes := mirror.take(reading):
                        yield changes
        except StoreError as error:
            if changes := mirror.lose(error):
                yield changes
        # Many watchers lose a server at the same moment; they must not come back as one.
        await asyncio.sleep(full_jitter(failures, random.random(), base=0.1, longest=2.0))  # noqa: S311 - spreading, not secrecy
        failures += 1
