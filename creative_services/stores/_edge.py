"""The edge between a driver and us: one deadline over everything a driver does, and its errors said as ours."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Final
from urllib.parse import urlsplit

from creative_services.core.errors import CreativeServicesError, StoreError, StoreTimedOutError, StoreUnreachableError

TIMEOUT: Final = 5.0  # a store that needs longer than this for one key is out of order

Faults = Mapping[type[BaseException], type[StoreError]]

_ADVICE: Final[Mapping[type[StoreError], str]] = {
    StoreUnreachableError: "Check that it runs and that the address is right",
    StoreTimedOutError: "Check its load, or give the store a longer timeout",
    StoreError: "The store's own message is quoted above",
}


class Edge:
    """``async with edge.asking("get 'a'")``: the block ends in time or as a ``StoreError``."""

    __slots__ = ("_faults", "name", "timeout")

    def __init__(self, name: str, faults: Faults, timeout: float = TIMEOUT) -> None:
        self.name = shown(name)
        self.timeout = timeout
        # The driver's own classes first: many of them are OSErrors too.
        self._faults: Faults = {**faults, **({} if OSError in faults else {OSError: StoreUnreachableError})}

    def asking(self, what: str, *, writes: bool = False) -> "_Asking":
        """``writes``: whether an error leaves us in doubt about what the store did."""
        return _Asking(self, what, writes, self.timeout)

    def listening(self, what: str) -> "_Asking":
        """The same without a deadline, for waits that may be long."""
        return _Asking(self, what, False, None)

    def told(self, error: BaseException, what: str, writes: bool) -> StoreError | None:
        """The driver's error as one of ours; None for those that are not about the store."""
        if isinstance(error, CreativeServicesError):
            return None
        if isinstance(error, TimeoutError):
            return self._made(StoreTimedOutError, what, f"no answer within {self.timeout:g} s", writes)
        for foreign, kind in self._faults.items():
            if isinstance(error, foreign):
                in_doubt = writes and not isinstance(error, ConnectionRefusedError)
                return self._made(kind, what, str(error) or type(error).__name__, in_doubt)
        return None

    def _made(self, kind: type[StoreError], what: str, said: str, in_doubt: bool) -> StoreError:
        doubt = " The write may have happened all the same." if in_doubt else ""
        advice = _ADVICE.get(kind, _ADVICE[StoreError])
        return kind(f"{self.name} could not {what}: {said.rstrip('. ')}.{doubt} {advice}.", may_have_happened=in_doubt)


class _Asking:
    __slots__ = ("_deadline", "_edge", "_what", "_writes")

    def __init__(self, edge: Edge, what: str, writes: bool, seconds: float | None) -> None:
        self._edge, self._what, self._writes = edge, what, writes
        self._deadline = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._deadline.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._deadline.__aexit__(kind, error, traceback)
        except TimeoutError as late:
            error = late
        told = self._edge.told(error, self._what, self._writes) if error else None
        if told:
            raise told from error


def shown(address: str) -> str:
    """An address as it may be shown: without its password."""
    parts = urlsplit(address)
    if "@" not in parts.netloc:
        return address
    return parts._replace(netloc="****@" + parts.netloc.rpartition("@")[2]).geturl()
