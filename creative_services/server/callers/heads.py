"""The heads of our answers: the request's id, who answered, what it cost, how often we had to try."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from random import getrandbits
from typing import Final

from creative_services.server.upstream.doors import Door

Headers = list[tuple[bytes, bytes]]

# A caller's own id is kept when it is one: it goes into logs and back into a header.
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:\-]{1,128}")

NOTHING: Final = Decimal(0)  # the cost of asking nobody

JSON: Final = (b"content-type", b"application/json")
EVENTS: Final = (b"content-type", b"text/event-stream; charset=utf-8")
# Proxies on the way would hold events back to send them together.
UNBUFFERED: Final = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))


def request_id_in(headers: Mapping[bytes, bytes]) -> str:
    """The id this request goes by: the caller's own, or a new one."""
    given = headers.get(b"x-request-id")
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given.decode()
    return f"req_{getrandbits(96):024x}"


def answer_headers(request_id: str, door: Door, attempts: int, cost: Decimal | None) -> Headers:
    """What every whole answer says."""
    return told_headers(request_id, door.headers, attempts, cost)


def told_headers(request_id: str, entry: Iterable[tuple[bytes, bytes]], attempts: int, cost: Decimal | None) -> Headers:
    """The same for an answer and for an error; an unknown cost is left out, which is not 0."""
    headers: Headers = [
        (b"x-request-id", request_id.encode()),
        *entry,
        (b"x-llm-attempts", b"1" if attempts == 1 else str(attempts).encode()),
    ]
    if cost is not None:
        headers.append((b"x-llm-cost", f"{cost:f}".encode()))
    return headers
