"""What a key looks like: ``cs-<id>-<secret><checksum>``, so that scanners find one that was published by mistake."""

import re
from hashlib import sha256
from secrets import choice
from typing import Final
from zlib import crc32

from creative_services.core.secrets import Secret

# A digit is always in it, by which ``redact`` knows it from a word.
_ID_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz"
_DIGITS: Final = "0123456789"
_ALPHABET: Final = f"{_DIGITS}ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH: Final = 32  # of 62 characters: 190 bits, which nobody tries through, so a plain SHA-256 keeps them
_SUM_LENGTH: Final = 6  # as many as 32 bits need

PREFIX: Final = "cs-"
ID: Final = re.compile(r"[a-z]{7}\d")
SHAPE: Final = re.compile(r"cs-([a-z]{7}\d)-([0-9A-Za-z]{32})([0-9A-Za-z]{6})")


def new_id() -> str:
    """The part that is shown for ever after: it tells keys apart and opens nothing."""
    return "".join(choice(_ID_LETTERS) for _ in range(7)) + choice(_DIGITS)


def new_key(key_id: str) -> Secret:
    """A key nobody has seen."""
    body = f"{PREFIX}{key_id}-" + "".join(choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return Secret(body + _checksum(body))


def is_key(text: str) -> bool:
    """Whether a text can be one of our keys: its checksum fits, so it is no accident."""
    return SHAPE.fullmatch(text) is not None and _checksum(text[:-_SUM_LENGTH]) == text[-_SUM_LENGTH:]


def shown(key_id: str) -> str:
    """How a key is called in public."""
    return f"{PREFIX}{key_id}-…"


def _checksum(body: str) -> str:
    number, digits = crc32(body.encode()), []
    for _ in range(_SUM_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[place])
    return "".join(reversed(digits))


def digest_of(key: Secret) -> str:
    """All that is stored of a key."""
    return sha256(key.reveal().encode()).hexdigest()
