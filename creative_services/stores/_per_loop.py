"""Connections belong to the event loop they were made on: one set for each, closed with the loop or the store."""

import asyncio
import os
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """``here()`` is the running loop's own."""

    def __init__(self, make: Callable[[], T], shut: Callable[[T], Awaitable[object]]) -> None:
        self._make, self._shut = make, shut
        self._pid = os.getpid()
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[T, AsyncGenerator[None]]]
        self._loops = weakref.WeakKeyDictionary()

    async def here(self) -> T:
        """Made when first asked for."""
        if self._pid != os.getpid():  # after a fork the sockets are the parent's
            self._loops, self._pid = weakref.WeakKeyDictionary(), os.getpid()
        loop = asyncio.get_running_loop()
        known = self._loops.get(loop)
        if known is None:
            self._forget_closed()
            made = self._make()
            keeper = _kept(made, self._shut)
            known = self._loops[loop] = (made, keeper)
            # Its first step makes the loop know of it: every runner closes a loop's generators before the loop.
            await anext(keeper)
        return known[0]

    async def aclose(self) -> None:
        """Close the running loop's."""
        known = self._loops.pop(asyncio.get_running_loop(), None)
        if known:
            await known[1].aclose()

    def _forget_closed(self) -> None:
        """What was made knows its loop and would keep it alive."""
        for loop in [loop for loop in self._loops if loop.is_closed()]:
            del self._loops[loop]


async def _kept(made: T, shut: Callable[[T], Awaitable[object]]) -> AsyncGenerator[None]:
    """Shuts ``made`` when it is closed: by its owner, by its loop's end, or because its owner was dropped.

    It knows nothing of its owner. An owner that is dropped so goes at once, before what it made, which would otherwise
    be collected with it and warn that nobody closed it.
    """
    try:
        yield
    finally:
        # A server's trouble while we say goodbye concerns nobody.
        with suppress(Exception):
            await shut(made)
