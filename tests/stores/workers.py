"""What other processes do to a store in the tests: ``python workers.py TASK ADDRESS [MORE]``."""

import asyncio
import fcntl
import os
import resource
import signal
import sqlite3
import sys
from pathlib import Path

from creative_services.stores import open_store


async def count(address: str, times: str) -> None:
    """Increment one counter, and say how often that was acknowledged."""
    async with open_store(address) as store:
        for _ in range(int(times)):
            while not await store.swap("count", seen := await store.get("count"), str(int(seen or 0) + 1)):
                pass
            print("+", flush=True)


async def scribble(address: str) -> None:
    """Write large values of one letter each, until killed."""
    async with open_store(address) as store:
        while True:
            for letter in b"abcdefgh":
                await store.set("page", bytes([letter]) * 100_000)
                print("+", flush=True)


async def hold(address: str) -> None:
    """Take the lock that writers need, and never give it back."""
    scheme, _, path = address.partition("://")
    if scheme == "file":
        handle = os.open(Path(path) / ".creative_services" / "lock", os.O_RDWR)
        fcntl.flock(handle, fcntl.LOCK_EX)
    else:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
    print("+", flush=True)
    await asyncio.sleep(3600)


async def outgrow(address: str) -> None:
    """Write values until the operating system says no, and say what became of it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    async with open_store(address) as store:
        await store.set("page", b"before")
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, 64 * 1024))
        try:
            for size in range(20):
                await store.set("page", b"x" * (16 * 1024 * size))
                await store.set(f"page {size}", b"x" * 16 * 1024)
        except Exception as error:  # whatever it is, the test reads it
            print(type(error).__mro__[0].__name__, error)
        value = await store.get("page")
        print(value == b"before" or set(value) <= set(b"x"))


async def fork(address: str) -> None:
    """Use a store in a child that was forked while the store was open."""
    store = open_store(address)
    await store.set("parent", b"1")
    child = os.fork()
    if child == 0:
        asyncio.set_event_loop(None)
        asyncio.events._set_running_loop(None)
        asyncio.run(in_the_child(store))
        os._exit(0)
    await asyncio.to_thread(os.waitpid, child, 0)
    await store.set("parent again", b"1")
    print(sorted(await store.keys()))


async def in_the_child(store: object) -> None:
    await store.set("child", await store.get("parent"))


if __name__ == "__main__":
    task, *given = sys.argv[1:]
    asyncio.run({"count": count, "scribble": scribble, "hold": hold, "outgrow": outgrow, "fork": fork}[task](*given))
