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
            keeper = self._kept()
            known = self._loops[loop] = (self._make(), keeper)
            # Its first step makes the loop know of it: every runner closes a loop's generators before the loop.
            await anext(keeper)
        return known[0]

    async def aclose(self) -> None:
        """Close the running loop's."""
        known = self._loops.pop(asyncio.get_running_loop(), None)
        if known:
            # A server's trouble while we say goodbye concerns nobody.
            with suppress(Exception):
                await self._shut(known[0])
            await known[1].aclose()

    async def _kept(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self.aclose()
