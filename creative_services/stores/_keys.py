"""Keys for servers that are particular about them, so that "..", "a//b" or a line break is a key like any other.

Each byte that is neither letter, digit, "-" nor "_" becomes "=" and two hexadecimal digits. Byte by byte, so that what
two keys have in common at their beginning they still have afterwards, and a prefix can be searched for.
"""

import re
from typing import Final

from creative_services.core.store import key_bytes

_ODD: Final = re.compile(rb"[^A-Za-z0-9_-]")
_ESCAPE: Final = re.compile(rb"=([0-9A-F]{2})")


def escaped(key: str) -> str:
    """The key in letters, digits, "-", "_" and "=" only."""
    return escaped_prefix(key_bytes(key).decode())


def escaped_prefix(prefix: str) -> str:
    """The same for the beginning of a key, which may be empty."""
    return _ODD.sub(lambda odd: b"=%02X" % ord(odd[0]), prefix.encode()).decode("ascii")


def unescaped(name: str) -> str | None:
    """The key again; None for a name that somebody else wrote and that stands for no key."""
    raw = name.encode()
    if _ODD.search(raw.replace(b"=", b"")) or raw.count(b"=") != len(_ESCAPE.findall(raw)):
        return None
    try:
        return _ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), raw).decode()
    except UnicodeDecodeError:
        return None
