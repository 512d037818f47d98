"""Reading token counts out of what vendors send, where a missing, null or odd count is 0."""

from collections.abc import Mapping
from typing import Any, Final

_NOTHING: Final[Mapping[str, Any]] = {}
_NUMBERS: Final = (int, float)  # not int | float below, which makes a new union at every count


def count(told: Mapping[str, Any], key: str) -> int:
    """A count that may be missing, null or nonsense."""
    value = told.get(key)
    if value.__class__ is int and value >= 0:  # nearly always
        return int(value)
    if value is None:
        return 0
    # The upper bound also keeps out the Infinity that Python's JSON would read.
    return int(value) if isinstance(value, _NUMBERS) and 0 <= value < 1e15 else 0


def details(told: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A nested object of counts that may be missing."""
    value = told.get(key)
    return _NOTHING if value is None or not isinstance(value, Mapping) else value
