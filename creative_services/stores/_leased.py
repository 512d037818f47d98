"""A value and the end of its life in one file, so that both are replaced at one stroke.

The end is written behind the value in blanks and tabs. JSON readers skip those, so a record of ours with an end is
still a record to a program that knows nothing of it, the original registry among them.
"""

import math
import re
from typing import Final

_MARK: Final = b"\n\t \t\n"
_TAIL: Final = re.compile(rb"\n\t \t\n([ \t]{64})\Z")
_TO_BLANKS: Final = bytes.maketrans(b"01", b" \t")
_TO_BITS: Final = bytes.maketrans(b" \t", b"01")
_LENGTH: Final = len(_MARK) + 64


def with_end(value: bytes, ends_at: float | None) -> bytes:
    """What to write; None for a value without end."""
    if ends_at is None and not _TAIL.search(value[-_LENGTH:]):
        return value
    # A value that looks like ours by chance gets an end of 0, which means none. Rounded up: never early.
    milliseconds = math.ceil((ends_at or 0.0) * 1000)
    return value + _MARK + format(milliseconds, "064b").encode().translate(_TO_BLANKS)


def split_end(raw: bytes) -> tuple[bytes, float | None]:
    """(value, end) of what was read."""
    tail = _TAIL.search(raw[-_LENGTH:]) if raw[-1:] in (b" ", b"\t") else None
    if tail is None:
        return raw, None
    milliseconds = int(tail[1].translate(_TO_BITS), 2)
    return raw[:-_LENGTH], milliseconds / 1000 or None
