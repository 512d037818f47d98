"""A value and the end of its life in one file, so that both are replaced at one stroke.

The end is written behind the value in blanks and tabs. JSON readers skip those, so a record of ours with an end is
still a record to a program that knows nothing of it, the original registry among them.
"""

import math
from typing import Final

_MARK: Final = b"\n\t \t\n"
_BITS: Final = 64
_LENGTH: Final = len(_MARK) + _BITS
_TO_BLANKS: Final = bytes.maketrans(b"01", b" \t")
_TO_BITS: Final = bytes.maketrans(b" \t01", b"01--")


def with_end(value: bytes, ends_at: float | None) -> bytes:
    """What to write; None for a value without end."""
    if ends_at is None and _end_of(value) is None:
        return value
    # A value that looks like ours by chance gets an end of 0, which means none. Rounded up: never early.
    milliseconds = math.ceil((ends_at or 0.0) * 1000)
    return value + _MARK + format(milliseconds, "064b").encode().translate(_TO_BLANKS)


def split_end(raw: bytes) -> tuple[bytes, float | None]:
    """(value, end) of what was read."""
    milliseconds = _end_of(raw)
    return (raw, None) if milliseconds is None else (raw[:-_LENGTH], milliseconds / 1000 or None)


def _end_of(raw: bytes) -> int | None:
    # Not a regular expression: a roster of thousands waits for this.
    if raw[-_LENGTH:-_BITS] != _MARK:
        return None
    bits = raw[-_BITS:].translate(_TO_BITS)
    return None if bits.strip(b"01") else int(bits, 2)
