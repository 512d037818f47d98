"""Workers killed at random under load: every answered call must be in the ledger exactly once."""

import asyncio
import os
import random
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from benchmarks.gateway.contenders import gateway
from benchmarks.gateway.load import request
from benchmarks.gateway.processes import family, upstream
from creative_services.server.ledger.sqlite_sink import SQLiteSink

CALLERS = 32


def deaths(quick: bool) -> None:
    """Count what was answered, and what the ledger has."""
    calls = 20_000 if quick else 100_000
    began = time.monotonic()
    with upstream() as vendor, tempfile.TemporaryDirectory() as folder:
        with gateway(vendor, Path(folder), workers=2) as served:
            answered, killed = uvloop.run(_under_load(served.url, served.pid, calls))
        sink = SQLiteSink(Path(folder) / "state" / "ledger.sqlite3")
        recorded = [record.request_id for record in sink.records()]
        sink.close()
    once = set(recorded)
    print(f"\n{len(answered):,} answered calls in {time.monotonic() - began:.0f} s, {killed} workers killed meanwhile")
    print(f"in the ledger: {len(answered - once)} missing, {len(recorded) - len(once)} twice, ", end="")
    print(f"{len(once - answered)} whose caller heard nothing because the worker died")


async def _under_load(url: str, pid: int, calls: int) -> tuple[set[str], int]:
    answered: set[str] = set()
    over = asyncio.Event()
    tasks = [asyncio.create_task(_caller(url, number, answered, calls, over)) for number in range(CALLERS)]
    killed = 0
    while not over.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), random.uniform(0.5, 2.5))
        workers = [each for each in family(pid)[1:] if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]
        if workers and answered and not over.is_set():
            os.kill(random.choice(workers), signal.SIGKILL)
            killed += 1
    await asyncio.gather(*tasks)
    return answered, killed


async def _caller(url: str, number: int, answered: set[str], calls: int, over: asyncio.Event) -> None:
    head, _, body = request(url, streamed=False).partition(b"\r\n\r\n")
    where = urlsplit(url)
    count = 0
    while not over.is_set():
        try:
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        # A worker's death ends this connection; the next one finds another worker.
        with suppress(OSError, asyncio.IncompleteReadError):
            while not over.is_set():
                count += 1
                name = f"{number}-{count}"
                writer.write(b"%b\r\nx-request-id: %b\r\n\r\n%b" % (head, name.encode(), body))
                told = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(told.partition(b"content-length: ")[2].partition(b"\r")[0]))
                if told.startswith(b"HTTP/1.1 200"):
                    answered.add(name)
                if len(answered) >= calls:
                    over.set()
        writer.close()
