"""What the stores that speak HTTP have in common."""

from io import BytesIO
from typing import Final

_LARGE: Final = 1 << 20  # aiohttp warns of larger ones, which it would write without letting anybody else run


def as_body(raw: bytes) -> bytes | BytesIO:
    """The bytes as a body that aiohttp sends without a warning, however many they are."""
    return raw if len(raw) < _LARGE else BytesIO(raw)
