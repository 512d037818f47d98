"""A task that loses a cancellation ends all the same."""

import asyncio
from contextlib import suppress

from creative_services.replicas.endings import finished


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
            swallowed += 1
            await asyncio.sleep(3600)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await finished(task)
    assert swallowed == 1
    assert task.cancelled()


async def test_a_task_that_failed_is_not_told_of() -> None:
    async def failing() -> None:
        raise ZeroDivisionError

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    await finished(task)
    assert task.done()
