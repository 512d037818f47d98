"""Rendered answers: the bytes to send, when to send them, and how the exchange ends."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from creative_services.testing.vendors.shapes import REQUEST_ID

REASONS = {status.value: status.phrase for status in HTTPStatus} | {529: "Overloaded"}
LAST_CHUNK = b"0\r\n\r\n"


class Ending(StrEnum):
    """What the server does once everything is sent."""

    KEEP = "keep"
    CUT = "cut"
    HANG = "hang"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Bytes in the order they are sent: `delay` before the first piece, `gap` between pieces."""

    pieces: tuple[bytes, ...] = ()
    ending: Ending = Ending.KEEP
    delay: float = 0.0
    gap: float = 0.0
    immediate: bool = False


def answer(pieces: Iterable[bytes], *, ending: Ending = Ending.KEEP, delay: float = 0.0, gap: float = 0.0) -> Answer:
    """An answer; pieces with no gap between them are joined, since nobody could tell."""
    sent = tuple(pieces)
    if not gap and sent:
        sent = (b"".join(sent),)
    at_once = len(sent) == 1 and ending is Ending.KEEP and not delay
    return Answer(pieces=sent, ending=ending, delay=delay, gap=gap, immediate=at_once)


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """A response head."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def counted(status: int, body: bytes, headers: Mapping[str, str]) -> tuple[bytes, bytes]:
    """A head that says how long the body is, and the body."""
    return head(status, {**headers, "content-length": str(len(body))}), body


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


PLACE = REQUEST_ID.encode()


def with_id(piece: bytes, request_id: str) -> bytes:
    """The piece with the id of the request in its place."""
    return piece.replace(PLACE, request_id.encode())
