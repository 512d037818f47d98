"""Threads of a store's own, for drivers that block: a slow disk must not take the program's other threads."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Threads:
    """A few threads, started when first needed, and anew after a fork."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pid = 0
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do ``work`` on one of the threads."""
        if self._pool is None or self._pid != os.getpid():
            self._pool, self._pid = ThreadPoolExecutor(self._count, "creative_services.stores"), os.getpid()
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Let the threads end when they have done what they were given."""
        pool, self._pool = self._pool, None
        if pool and self._pid == os.getpid():
            pool.shutdown(wait=False)
