"""A client that costs next to nothing: raw HTTP/1.1 on asyncio protocols, so that it is the server that is measured."""

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Answers per second, and how long they took."""

    answers: int
    per_second: float
    p50: float
    p99: float
    bad: int


class _Caller(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, request: bytes, until: float, took: list[float], bad: list[bytes]) -> None:
        self._request, self._until, self._took, self._bad = request, until, took, bad
        self._asked = 0.0
        self._seen = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(self._request)  # type: ignore[attr-defined]  # a TCP transport

    def data_received(self, data: bytes) -> None:
        # Head and body come in a packet each, or in one.
        self._seen += data
        if not self._seen.endswith(b"}"):
            return
        data, self._seen = self._seen, b""
        now = time.perf_counter()
        self._took.append(now - self._asked)
        if not data.startswith(b"HTTP/1.1 200"):
            self._bad.append(data)
        if now < self._until:
            self._ask()
        elif not self.done.done():
            self._transport.close()
            self.done.set_result(None)


async def rate(port: int, path: str, *, seconds: float, connections: int = 16) -> Rate:
    """How many answers ``GET path`` gets."""
    request = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode()
    loop, took, bad = asyncio.get_running_loop(), [], []
    started = time.perf_counter()
    callers = [
        (await loop.create_connection(lambda: _Caller(request, started + seconds, took, bad), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(caller.done for caller in callers))
    spent = time.perf_counter() - started
    took.sort()
    return Rate(
        answers=len(took),
        per_second=len(took) / spent,
        p50=took[len(took) // 2],
        p99=took[len(took) * 99 // 100],
        bad=len(bad),
    )


class Held(asyncio.Protocol):
    """One registration, held open."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.registered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(self._request)  # type: ignore[attr-defined]  # a TCP transport

    def data_received(self, data: bytes) -> None:
        if b"registered" in data and not self.registered.done():
            self.registered.set_result(None)


async def register(port: int, count: int, first: int = 0) -> list[Held]:
    """``count`` registrations, of seven models in turn."""
    loop, held = asyncio.get_running_loop(), []
    for start in range(first, first + count, 200):
        batch = []
        for number in range(start, min(start + 200, first + count)):
            body = (
                f'{{"replica_id":"r{number}","endpoint":"h:{1 + number % 65000}",'
                f'"capabilities":[{{"model":"m{number % 7}","type":"chat"}}]}}'
            )
            head = (
                f"POST /register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
            )
            request = f"{head}\r\n\r\n{body}".encode()
            batch.append((await loop.create_connection(lambda sent=request: Held(sent), "127.0.0.1", port))[1])
        await asyncio.gather(*(each.registered for each in batch))
        held += batch
    return held
