"""Ending a task for certain."""

import asyncio
from typing import Any, Final

_AGAIN_SECONDS: Final = 0.5


async def finished(task: "asyncio.Future[Any]") -> None:
    """Cancel ``task`` and wait for its end; how it ended concerns nobody.

    Once may not be enough: up to Python 3.11 ``wait_for`` loses a cancellation that comes while what it waits for does.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=_AGAIN_SECONDS)
    if not task.cancelled():
        task.exception()  # looked at, so that nobody is warned of it
