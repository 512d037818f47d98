"""Powers that a store lacks, made up for with those it has; slower, and never less right."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from creative_services.core.errors import StoreUnreachableError
from creative_services.core.store import Changes, KeyValueStore, ReadsMany, Watches
from creative_services.stores._watching import Readings, Whole, watching

_AT_ONCE: Final = 16  # reads under way for one caller; more would only wait for each other's connections


async def read_many(store: KeyValueStore, prefix: str = "") -> dict[str, bytes]:
    """Every key that begins with ``prefix``, with its value: in one reading, or key by key."""
    if isinstance(store, ReadsMany):
        return await store.read_many(prefix)
    keys = [key for key in await store.keys() if key.startswith(prefix)]
    found: dict[str, bytes] = {}
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        values = await asyncio.gather(*(store.get(key) for key in some))
        found.update({key: value for key, value in zip(some, values, strict=True) if value is not None})
    return found


def watch(store: KeyValueStore, prefix: str = "", *, poll: float = 1.0) -> AsyncIterator[Changes]:
    """What changes under ``prefix``: told by the store, or found by looking every ``poll`` seconds."""
    if isinstance(store, Watches):
        return store.watch(prefix)
    return watching(lambda: _looking(store, prefix, poll))


async def _looking(store: KeyValueStore, prefix: str, poll: float) -> Readings:
    while True:
        try:
            values = await read_many(store, prefix)
        except OSError as error:  # a store of somebody else's says it in its own words
            raise StoreUnreachableError(f"{store!r} could not read {prefix!r}: {error}. Check that it runs.") from error
        yield Whole(values)
        await asyncio.sleep(poll)
