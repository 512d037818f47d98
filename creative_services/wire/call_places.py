"""Which tool call a fragment of a stream belongs to."""

from collections.abc import Mapping
from typing import Any


class CallPlaces:
    """Counts the calls of an answer from 0.

    Most servers number them. Some leave the number out and send each call whole; some number every call 0.
    """

    __slots__ = ("_count", "_latest")

    def __init__(self) -> None:
        self._count = 0
        self._latest: dict[Any, tuple[int, Any]] = {}

    def place(self, fragment: Mapping[str, Any], position: int) -> tuple[int, bool]:
        """The place of the call, and whether it begins here; ``position`` is the fragment's own among its like."""
        call_id = fragment.get("id") or ""
        key = fragment.get("index", call_id or position)
        place, known = self._latest.get(key, (-1, ""))
        # A new id with a name begins another call; without one it is a server that makes up an id for each fragment.
        another = call_id and known and call_id != known and (fragment.get("function") or {}).get("name")
        begins = place < 0 or bool(another)
        if begins:
            place, self._count = self._count, self._count + 1
        self._latest[key] = (place, call_id or known)
        return place, begins
