"""One event loop on a thread of its own, for callers that have none: Django views, scripts, notebooks."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from threading import Lock, Thread, current_thread
from typing import Any, TypeVar

from creative_services.core.errors import ConfigurationError

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for other threads. One per process: connections stay open from call to call."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._forget()

    def _forget(self) -> None:
        # A forked child inherits the objects but not the thread, so it starts afresh.
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._closing: asyncio.Task[None] | None = None  # held, since a loop keeps only weak references to tasks

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # A daemon: a script must be able to end while a connection is kept alive.
                self._thread = Thread(target=self._loop.run_forever, name="creative-services-loop", daemon=True)
                self._thread.start()
            return self._loop

    async def also(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run ``work`` on this thread too, if it was ever started and is not the one that asks."""
        if self._loop is not None and current_thread() is not self._thread:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._loop))

    def leave(self, items: AsyncIterator[Any]) -> None:
        """Close ``items``, also where the garbage collector and not their reader is done with them."""
        close = getattr(items, "aclose", None)
        if close is None or sys.is_finalizing():
            # At the interpreter's end this thread no longer runs: a wait for it would have no end.
            return
        if self._loop is not None and current_thread() is self._thread:
            # The collector runs on whichever thread makes the garbage, this one too, which must not wait for itself.
            self._closing = self._loop.create_task(close())
        else:
            self.run(close())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result. An interrupted wait (Ctrl-C) cancels the coroutine."""
        if current_thread() is self._thread:
            work.close()
            raise ConfigurationError("A *_sync method was called on its own loop thread; use the async one there.")
        if sys.is_finalizing():
            work.close()
            raise ConfigurationError(
                "A *_sync method was called while the interpreter ends; call it before, or atexit."
            )
        future = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


loop_thread = LoopThread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=loop_thread._forget)


def run_blocking(work: Coroutine[Any, Any, T]) -> T:
    """Run on the shared loop thread and wait; safe also where a loop is running, which then waits too."""
    return loop_thread.run(work)


def iterate_blocking(items: AsyncIterator[T]) -> Iterator[T]:
    """The items one by one; leaving early closes the source, which cancels the vendor's request."""
    try:
        while True:
            try:
                yield run_blocking(_next(items))
            except StopAsyncIteration:
                return
    finally:
        loop_thread.leave(items)


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)
