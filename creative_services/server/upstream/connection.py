"""One HTTP/1.1 connection to a vendor: a request out, its answer in, whole or piece by piece."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, cast

import httptools

from creative_services.server.outbox import outbox_of

# A whole answer larger than this is no answer of a language model; it would only eat memory.
LARGEST_ANSWER: Final = 128 * 1024 * 1024
LARGEST_HEAD: Final = 64 * 1024
# Bytes of a stream that may wait for a slow caller; past it the vendor is told to wait.
_ENOUGH: Final = 64 * 1024
# Small requests leave in one packet with their head; copying a large one costs more than a second write.
_ONE_WRITE: Final = 64 * 1024


class BrokenAnswerError(ConnectionError):
    """The connection ended, or its bytes were no HTTP, before the answer was complete."""


class Connection(asyncio.Protocol):
    """Carries one request at a time. The answer that is coming is read through this same object."""

    __slots__ = ("_body", "_complete", "_failure", "_head", "_headers", "_headers_done", "_keeps_alive", "_loop",
                 "_outbox", "_parser", "_paused", "_released", "_size", "_streamed", "_transport", "_waiter", "closed",
                 "idle_since", "status")  # fmt: skip

    def __init__(self, released: "Callable[[Connection], None]") -> None:
        self._released = released
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._loop = asyncio.get_running_loop()  # asked once: it is a system call in Python 3.11
        self._outbox = outbox_of(self._loop)
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self.closed = False
        self.idle_since = 0.0
        self._complete = True
        self._reset()

    def _reset(self) -> None:
        self._head: bytes = b""
        self._headers: dict[str, str] | None = None
        self._headers_done = False
        self._body: list[bytes] = []
        self._size = 0
        self._failure: Exception | None = None
        self._keeps_alive = False
        self.status = 0

    # Out

    def send(self, head: bytes, body: bytes, *, streamed: bool) -> asyncio.Future[None]:
        """Write the request; the future is done when the answer is whole or, streamed, has its first piece."""
        self._reset()
        self._complete = False
        self._streamed = streamed
        if len(body) < _ONE_WRITE:
            self._outbox.put(self._transport, head + body)
        else:
            self._outbox.put(self._transport, head)
            self._outbox.put(self._transport, body)
        return self._wait()

    def _wait(self) -> asyncio.Future[None]:
        self._waiter = waiter = self._loop.create_future()
        return waiter

    @property
    def heard_nothing(self) -> bool:
        """Whether not a byte of the answer has come: then a connection used before had probably gone stale."""
        return not self._head

    # In

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no asyncio.Transport, they only behave as one.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._complete or self._parser is None:
            # Nobody asked: whatever this is, it must not be read as the answer to the next request.
            self._fail(BrokenAnswerError("the vendor spoke out of turn"))
            return
        if not self._headers_done:
            self._head = self._head + data if self._head else data
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._has_come():  # then it is what follows the answer that nobody asked for
                self.abort()
            else:
                self._fail(BrokenAnswerError(f"the answer is no HTTP/1.1 ({error})"))
                return
        if not self._headers_done and len(self._head) > LARGEST_HEAD:
            self._fail(BrokenAnswerError("the head of the answer does not end"))
        elif self._complete or (self._streamed and self._body):
            self._wake()

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("a second answer to one request")

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        self.status = self._parser.get_status_code()
        self._headers_done = True

    def on_body(self, data: bytes) -> None:
        self._body.append(data)
        self._size += len(data)
        if not self._streamed:
            if self._size > LARGEST_ANSWER:
                self._fail(BrokenAnswerError(f"the answer is larger than {LARGEST_ANSWER} bytes"))
        elif self._size > _ENOUGH and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self.status < 200:
            # 100 Continue and 103 Early Hints come before the answer and are not it.
            self._head, self._headers_done = self._head.partition(b"\r\n\r\n")[2], False
            return
        self._complete = True
        assert self._parser is not None
        # The parser knows only now: next it expects another answer.
        self._keeps_alive = self._parser.should_keep_alive()

    def eof_received(self) -> None:
        if not self._complete and self._headers_done and self._ends_with_connection():
            self._complete = True
            self._wake()

    def _ends_with_connection(self) -> bool:
        return (
            "content-length" not in self.headers and "chunked" not in self.headers.get("transfer-encoding", "").lower()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._parser = None  # it refers to us, and we to it
        if not self._complete:
            words = str(exc) if exc else "the vendor closed the connection before its answer was complete"
            self._failure = self._failure or BrokenAnswerError(words)
        self._wake()
        self._released(self)

    def _fail(self, failure: Exception) -> None:
        self._failure = failure
        self.abort()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_result(None)
            self._waiter = None

    # What came

    def _has_come(self) -> bool:
        return self._complete  # asked as a method, since feeding the parser has changed it

    @property
    def failure(self) -> Exception | None:
        """Why the answer will not become complete."""
        return self._failure

    @property
    def headers(self) -> Mapping[str, str]:
        """The head, names in lower case, read when first asked for; of two with one name the first counts."""
        if self._headers is None:
            self._headers = {}
            for line in self._head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]:
                name, _, value = line.partition(":")
                self._headers.setdefault(name.lower(), value.strip())
        return self._headers

    def taken(self) -> bytes:
        """The bytes of the body that have come and were not taken yet."""
        body, self._body, self._size = self._body, [], 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        return body[0] if len(body) == 1 else b"".join(body)

    async def whole(self) -> bytes:
        """The body to its end."""
        self._streamed = False
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        while not self._complete:
            self._raise_failure()
            await self._wait()
        return self.taken()

    async def piece(self) -> bytes:
        """The bytes that have come since the last piece; empty at the end."""
        if not self._body and not self._complete:
            self._raise_failure()
            await self._wait()
        if self._body:
            return self.taken()
        if not self._complete:
            self._raise_failure()
        return b""

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    # The end

    def interrupt(self, reason: Exception) -> None:
        """Make whoever waits for a piece raise ``reason``."""
        if not self._complete:
            self._fail(reason)

    def close(self) -> None:
        """Let go: a finished answer's connection is used again, any other is cut, which stops the vendor."""
        self._waiter = None
        self._body = []
        if self.reusable:
            self._released(self)
        else:
            self.abort()

    @property
    def reusable(self) -> bool:
        """Whether another request may follow on this connection."""
        return self._complete and self._keeps_alive and not self.closed

    def abort(self) -> None:
        """Cut the connection at once, sent or not."""
        self.closed = True
        self._transport.abort()
