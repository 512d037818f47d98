"""One request and its answer: what the ASGI application sees of a connection."""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final, Protocol

Message = dict[str, Any]

# Bytes of a body that may wait for the application to take them; past it the caller is told to wait.
_ENOUGH: Final = 64 * 1024
# Small answers leave in one packet with their head; copying a large one costs more than a second write.
_ONE_WRITE: Final = 64 * 1024
_BODILESS: Final = frozenset({204, 304})
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class Line(Protocol):
    """The connection an exchange is on."""

    def write(self, data: bytes) -> None:
        """Send."""
        ...

    def hold(self) -> None:
        """Take no more from the caller for now."""
        ...

    def go_on(self) -> None:
        """Take more again."""
        ...

    def blocked(self) -> asyncio.Future[None] | None:
        """What to wait for before sending more; None when more may be sent at once."""
        ...

    def default_head(self) -> bytes:
        """Header lines that every answer has."""
        ...

    def answered(self, exchange: "Exchange") -> None:
        """The answer is complete."""
        ...

    @property
    def last(self) -> bool:
        """Whether the connection ends after this answer, whatever the request says."""
        ...


class Exchange:
    """ASGI's ``receive`` and ``send`` for one request."""

    __slots__ = ("_chunked", "_end_told", "_expects_continue", "_head", "_head_only", "_left", "_line", "_loop",
                 "_parts", "_size", "_waiter", "complete", "gone", "keep_alive", "scope", "started",
                 "whole")  # fmt: skip

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop, scope: Message, *, expects_continue: bool) -> None:
        self._line = line
        self._loop = loop
        self.scope = scope
        self.keep_alive = False
        self._expects_continue = expects_continue
        self._waiter: asyncio.Future[None] | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._end_told = False
        self.whole = False  # the request's body has come to its end
        self.gone = False
        self._head: bytes | None = None
        self._head_only = scope["method"] == "HEAD"
        self._chunked = False
        self._left: int | None = None  # of a counted answer
        self.started = False
        self.complete = False

    # What the connection tells

    def feed(self, part: bytes) -> None:
        """A part of the body came."""
        if self.complete:
            return  # answered before it was whole: nobody will read the rest
        self._parts.append(part)
        self._size += len(part)
        if self._size > _ENOUGH:
            self._line.hold()
        self.wake()

    def end(self) -> None:
        """The body is whole."""
        self.whole = True
        self.wake()

    def lose(self) -> None:
        """The caller has gone."""
        self.gone = not self.complete
        self.wake()

    def wake(self) -> None:
        """Let whoever waits in ``receive`` look again."""
        if self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_result(None)
            self._waiter = None

    # ASGI

    async def receive(self) -> Message:
        """The next part of the body; after its end, word that the caller has gone or was answered."""
        if self._expects_continue:
            self._expects_continue = False
            if not self.started:
                self._line.write(_CONTINUE)
        while not (self._parts or self.gone or self.complete or (self.whole and not self._end_told)):
            self._waiter = self._waiter or self._loop.create_future()
            await self._waiter
        if self.gone or self.complete:
            return {"type": "http.disconnect"}
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = []
        if self._size > _ENOUGH:
            self._line.go_on()
        self._size = 0
        self._end_told = self.whole
        return {"type": "http.request", "body": body, "more_body": not self.whole}

    async def send(self, message: Message) -> None:
        """A head, or a part of the answer. The head waits for the first part, to leave in one packet with it."""
        blocked = self._line.blocked()
        if blocked is not None:
            await blocked
        if self.gone:
            return
        if message["type"] == "http.response.body":
            self._send_body(message.get("body", b""), last=not message.get("more_body", False))
        elif self.started:
            raise RuntimeError("http.response.start was sent twice")
        else:
            self._send_head(message["status"], message.get("headers", ()))

    def _send_head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        # HTTP/1.0 knows no chunks: there the end of the connection is the end of the answer.
        old = self.scope["http_version"] == "1.0"
        self._chunked = status not in _BODILESS and not self._head_only and not old
        self._left = None
        lines = []
        for name, value in headers:
            if name == b"content-length":
                self._chunked, self._left = False, int(value)
            elif name == b"connection":
                # Whether the connection stays is decided here; an application may only ask for its end.
                self.keep_alive = self.keep_alive and value.lower() != b"close"
                continue
            lines.append(b"%b: %b\r\n" % (name, value))
        told = b"".join(lines)
        # A line break in a name or a value would begin a header, or an answer, of somebody else's choosing.
        if told.count(b"\n") != len(lines) or told.count(b"\r") != len(lines):
            raise RuntimeError("a header of the answer holds a line break")
        if self._chunked:
            told += b"transfer-encoding: chunked\r\n"
        self.keep_alive = self.keep_alive and not self._line.last
        if not self.keep_alive:
            told += b"connection: close\r\n"
        first = STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
        self._head = b"%b%b%b\r\n" % (first, self._line.default_head(), told)
        self.started = True

    def begin_anew(self) -> bool:
        """Whether nothing has left yet, so that another answer can take the place of this one."""
        if self.started and self._head is None:
            return False
        self.started, self._head = False, None
        return True

    def _send_body(self, body: bytes, *, last: bool) -> None:
        if not self.started or self.complete:
            raise RuntimeError("http.response.body was sent before its start, or after its end")
        if self._head_only:
            body = b""
        elif self._chunked:
            body = _chunk(body, last=last)
        elif self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (last and self._left):
                raise RuntimeError("the answer is not as long as its content-length says")
        if self._head is not None:
            head, self._head = self._head, None
            if len(body) < _ONE_WRITE:
                body = head + body
            else:
                self._line.write(head)
        if body:
            self._line.write(body)
        if last:
            self.complete = True
            self.wake()
            self._line.answered(self)


def _chunk(body: bytes, *, last: bool) -> bytes:
    if not last:
        return b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
