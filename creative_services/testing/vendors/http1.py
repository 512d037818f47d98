"""HTTP/1.1 as a server reads it: heads, counted and chunked bodies, several requests on one connection."""

from dataclasses import dataclass
from typing import Protocol

MAX_HEAD = 64 * 1024  # room for any SDK's headers; a head that never ends must not eat memory


class BadRequestError(Exception):
    """The bytes are not a request this server can read; the connection is closed after the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One complete request; header names are in lower case, `path` is without its query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    keep_alive: bool = True


class RequestParser:
    """Turns the bytes of one connection, in whatever pieces they arrive, into requests."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: Request | None = None
        self._body: _Body = _CountedBody(0)

    def feed(self, data: bytes) -> list[Request]:
        """Take what arrived and give every request that is now complete."""
        self._buffer += data
        requests: list[Request] = []
        while (request := self._next()) is not None:
            requests.append(request)
        return requests

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends the body."""
        return (
            self._head is not None
            and not self._buffer
            and self._head.headers.get("expect", "").lower() == "100-continue"
        )

    def _next(self) -> Request | None:
        if self._head is None:
            if (head := _take_head(self._buffer)) is None:
                return None
            self._head, self._body = head, _body_of(head.headers)
        if (body := self._body.take(self._buffer)) is None:
            return None
        head, self._head = self._head, None
        return Request(method=head.method, path=head.path, headers=head.headers, body=body, keep_alive=head.keep_alive)


def _take_head(buffer: bytearray) -> Request | None:
    end = buffer.find(b"\r\n\r\n")
    if end > MAX_HEAD or (end < 0 and len(buffer) > MAX_HEAD):
        raise BadRequestError("The request head is too large.", 431)
    if end < 0:
        return None
    first, *lines = buffer[:end].decode("latin-1").split("\r\n")
    del buffer[: end + 4]
    headers = dict(_header(line) for line in lines)
    method, target, version = _request_line(first)
    return Request(
        method=method,
        path=target.partition("?")[0],
        headers=headers,
        keep_alive=_keeps_alive(version, headers.get("connection", "")),
    )


def _request_line(line: str) -> tuple[str, str, str]:
    match line.split(" "):
        case [method, target, ("HTTP/1.1" | "HTTP/1.0") as version]:
            return method, target, version
    raise BadRequestError("The request line is not HTTP/1.1.")


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or name != name.strip():
        raise BadRequestError("A header line is malformed.")
    return name.lower(), value.strip()


def _keeps_alive(version: str, connection: str) -> bool:
    if version == "HTTP/1.0":
        return connection.lower() == "keep-alive"
    return connection.lower() != "close"


class _Body(Protocol):
    def take(self, buffer: bytearray) -> bytes | None: ...


def _body_of(headers: dict[str, str]) -> _Body:
    coding, length = headers.get("transfer-encoding"), headers.get("content-length", "0")
    if coding is None and length.isdecimal():
        return _CountedBody(int(length))
    # Two lengths for one body is how requests are smuggled through a relay; a real vendor refuses them too.
    if coding is not None and coding.lower() == "chunked" and "content-length" not in headers:
        return _ChunkedBody()
    raise BadRequestError("The length of the body is not clear.")


class _CountedBody:
    def __init__(self, length: int) -> None:
        self._length = length

    def take(self, buffer: bytearray) -> bytes | None:
        if len(buffer) < self._length:
            return None
        body = bytes(buffer[: self._length])
        del buffer[: self._length]
        return body


class _ChunkedBody:
    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def take(self, buffer: bytearray) -> bytes | None:
        while (line_end := buffer.find(b"\r\n")) >= 0:
            size = _chunk_size(buffer[:line_end])
            if size == 0:
                return self._finish(buffer, line_end)
            start, end = line_end + 2, line_end + 2 + size
            if len(buffer) < end + 2:
                return None
            self._parts.append(bytes(buffer[start:end]))
            del buffer[: end + 2]
        return None

    def _finish(self, buffer: bytearray, line_end: int) -> bytes | None:
        end = buffer.find(b"\r\n\r\n", line_end)  # trailers, if any, are read and forgotten
        if end < 0:
            return None
        del buffer[: end + 4]
        return b"".join(self._parts)


def _chunk_size(line: bytearray) -> int:
    digits = line.partition(b";")[0].strip()
    try:
        size = int(digits, 16)
    except ValueError:
        size = -1
    if size < 0:
        raise BadRequestError("A chunk's size is malformed.")
    return size
