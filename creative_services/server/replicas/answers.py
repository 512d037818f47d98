"""What the routing service says, and how it listens: JSON bodies and event streams over bare ASGI."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

# A registration is a few hundred bytes; this is the most that its limits allow for.
LARGEST_BODY: Final = 1024 * 1024
BODY_SECONDS: Final = 10.0  # a body that takes longer is not coming
NOT_FOUND: Final = "Not Found"
_JSON: Final = (b"content-type", b"application/json")
_EVENTS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    # Proxies on the way would hold events back to send them together.
    (b"x-accel-buffering", b"no"),
]


class Refusal(Exception):
    """A request that is not served; the text is told as ``detail``."""

    def __init__(self, status: int, detail: str, headers: Iterable[Header] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = tuple(headers)


async def send_raw(send: Send, status: int, body: bytes, headers: Iterable[Header] = ()) -> None:
    """A JSON answer that is written already."""
    head = [_JSON, (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def send_json(send: Send, status: int, document: Any, headers: Iterable[Header] = ()) -> None:
    """A JSON answer, written as compactly as the documented ones."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    await send_raw(send, status, body, headers)


async def body_in(scope: Scope, receive: Receive) -> Any:
    """The JSON that was sent."""
    media = dict(scope["headers"]).get(b"content-type", b"application/json").partition(b";")[0].strip().lower()
    if media != b"application/json":
        # A web page may send any site text or forms without asking, but no JSON.
        raise Refusal(415, "send JSON: Content-Type: application/json")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _whole(receive)
    except TimeoutError:
        raise Refusal(408, f"the body did not come within {BODY_SECONDS:g} s") from None
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(422, f"the body is no JSON: {error}") from None


async def _whole(receive: Receive) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "the caller left")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            raise Refusal(413, f"the body is larger than {LARGEST_BODY} bytes")
        more = message.get("more_body", False)
    return b"".join(parts)


def event(document: Any) -> bytes:
    """One event of a stream."""
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n".encode("utf-8", "surrogatepass")


async def begin_events(send: Send, first: bytes) -> None:
    """The head of a stream, and its first event."""
    await send({"type": "http.response.start", "status": 200, "headers": _EVENTS})
    await more_events(send, first)


async def more_events(send: Send, events: bytes) -> None:
    """More of a stream. This waits while the other side does not read."""
    await send({"type": "http.response.body", "body": events, "more_body": True})


async def end_events(send: Send, last: bytes) -> None:
    """The last event of a stream."""
    await send({"type": "http.response.body", "body": last, "more_body": False})


async def until_left(receive: Receive) -> None:
    """Wait until the other side is gone, or we have said the last word."""
    while (await receive())["type"] != "http.disconnect":
        pass
