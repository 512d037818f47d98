"""Callers of our own: where single answers count, and for rates where wrk is not installed.

``python -m benchmarks.gateway.callers URL CONNECTIONS SECONDS [--streamed]`` prints what it saw as JSON.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import uvloop

from benchmarks.gateway.load import request


@dataclass(slots=True)
class Answered:
    """When an answer's first word came and when its end, in seconds since it was asked; whether it was good."""

    first: float = 0.0
    last: float = 0.0
    good: bool = False


class Caller(asyncio.Protocol):
    """Asks, and notes when the first word and the end came; then asks again for as long as ``again`` says so."""

    def __init__(self, data: bytes, streamed: bool, again: Any = None) -> None:
        self._data = data
        self._word, self._end = (b"word0", b"0\r\n\r\n") if streamed else (b"{", b"}")
        self._again = again
        self.answers: list[Answered] = []
        self.done: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self._ask()

    def _ask(self) -> None:
        self.answered, self._tail = Answered(), b""
        self._asked = time.perf_counter()
        self.transport.write(self._data)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter() - self._asked
        if not self._tail:
            self.answered.good = data.startswith(b"HTTP/1.1 200")
        if not self.answered.first and self._word in data:
            self.answered.first = now
        self._tail = (self._tail + data)[-16:]
        if self._tail.endswith(self._end):
            self.answered.last = now
            self.answers.append(self.answered)
            self._next()

    def _next(self) -> None:
        if self._again is not None and self._again():
            self._ask()
        elif not self.done.done():
            self.done.set_result(self.answered)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("cut"))


async def callers(url: str, count: int, *, streamed: bool, within: float = 0.0, again: Any = None) -> list[Caller]:
    """So many at once, or spread evenly over some seconds."""
    loop, data, where = asyncio.get_running_loop(), request(url, streamed=streamed), urlsplit(url)
    host, port = where.hostname or "", where.port or 80
    made = []
    for _ in range(count):
        _, caller = await loop.create_connection(lambda: Caller(data, streamed, again), host, port)
        made.append(caller)
        if within:
            await asyncio.sleep(within / count)
    return made


async def answers(url: str, count: int, *, streamed: bool, within: float = 0.0) -> list[Answered]:
    """Their answers."""
    made = await callers(url, count, streamed=streamed, within=within)
    return list(await asyncio.gather(*(caller.done for caller in made)))


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not pass."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))]


async def _hammer(url: str, connections: int, seconds: float, *, streamed: bool) -> list[float]:
    end = time.perf_counter() + seconds
    made = await callers(url, connections, streamed=streamed, again=lambda: time.perf_counter() < end)
    await asyncio.gather(*(caller.done for caller in made))
    seen = [each for caller in made for each in caller.answers]
    took = [each.last for each in seen]
    bad = sum(1 for each in seen if not each.good)
    return [len(seen), len(seen) / seconds, statistics.median(took), quantile(took, 0.99), bad]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--streamed", action="store_true")
    given = parser.parse_args()
    print(json.dumps(uvloop.run(_hammer(given.url, given.connections, given.seconds, streamed=given.streamed))))
