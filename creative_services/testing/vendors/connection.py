"""One client's connection: requests in, one at a time; answers out, in their own time."""

import asyncio
from collections import deque
from typing import Protocol, cast

from creative_services.testing.vendors.answers import Answer, Ending, counted, with_id
from creative_services.testing.vendors.http1 import BadRequestError, Request, RequestParser
from creative_services.testing.vendors.seen import RequestLog, Seen


class Receiver(Protocol):
    """Who decides what a request is answered."""

    @property
    def log(self) -> RequestLog: ...
    def receive(self, request: Request) -> tuple[Seen, Answer]: ...


class Connection(asyncio.Protocol):
    """Keeps a connection alive from request to request, and notices when its client goes away."""

    def __init__(self, receiver: Receiver, connections: set["Connection"]) -> None:
        self._receiver = receiver
        self._connections = connections
        self._parser = RequestParser()
        self._waiting: deque[Request] = deque()
        self._in_flight: Seen | None = None
        self._playing: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._gone = asyncio.Event()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # No buffer: an answer counts as sent once the kernel has it, so a client leaving earlier is noticed.
        self._transport.set_write_buffer_limits(high=0)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._waiting.extend(self._parser.feed(data))
        except BadRequestError as error:
            self._refuse(error)
            return
        if self._parser.expects_continue:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._advance()

    def eof_received(self) -> None:
        # An HTTP client that closes its half has gone; whatever it was waiting for is cancelled.
        if self._in_flight is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._gone.set()
        self._waiting.clear()
        if self._in_flight is not None:
            self._receiver.log.cancel(self._in_flight)
        if self._playing is not None:
            self._playing.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def shut(self) -> None:
        """Close at once, from the server's side: that is no client going away."""
        self._in_flight = None
        self._transport.abort()
        await self._gone.wait()

    def _advance(self) -> None:
        while self._waiting and self._in_flight is None:
            request = self._waiting.popleft()
            seen, answer = self._receiver.receive(request)
            if answer.immediate:
                self._transport.write(with_id(answer.pieces[0], seen.request_id))
                if self._writable.is_set():
                    self._settle(request)
                    continue
                answer = Answer()  # all is written, not all is sent
            self._in_flight = seen
            self._playing = asyncio.get_running_loop().create_task(self._play(answer, seen, request))

    async def _play(self, answer: Answer, seen: Seen, request: Request) -> None:
        await self._writable.wait()
        if answer.delay:
            await asyncio.sleep(answer.delay)
        for place, piece in enumerate(answer.pieces):
            if place and answer.gap:
                await asyncio.sleep(answer.gap)
            self._transport.write(with_id(piece, seen.request_id))
            await self._writable.wait()
        if answer.ending is Ending.HANG:
            await asyncio.get_running_loop().create_future()  # until the connection is lost
        self._in_flight = self._playing = None
        if answer.ending is Ending.CUT:
            self._transport.close()
            return
        self._settle(request)
        self._advance()

    def _settle(self, request: Request) -> None:
        if not request.keep_alive:
            self._waiting.clear()
            self._transport.close()

    def _refuse(self, error: BadRequestError) -> None:
        headers = {"content-type": "text/plain", "connection": "close"}
        self._transport.write(b"".join(counted(error.status, str(error).encode(), headers)))
        self._transport.close()
