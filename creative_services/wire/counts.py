"""Reading token counts out of what vendors send, where a missing, null or odd count is 0."""

from collections.abc import Mapping
from typing import Any, Final

_NOTHING: Final[Mapping[str, Any]] = {}


def count(told: Mapping[str, Any], key: str) -> int:
    """A count that may be missing, null or nonsense."""
    value = told.get(key)
    # The upper bound also keeps out the Infinity that Python's JSON would read.
    return int(value) if isinstance(value, int | float) and 0 <= value < 1e15 else 0


def details(told: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A nested object of counts that may be missing."""
    value = told.get(key)
    return value if isinstance(value, Mapping) else _NOTHING
