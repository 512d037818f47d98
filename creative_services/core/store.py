"""Where what comes and goes is remembered: five methods anyone can write, and the powers some stores have beyond."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from creative_services.core.errors import StoreError, StoreRefusedError

# In UTF-8. Three times as long when escaped, a key still fits what the narrowest server takes (4 KiB, a NATS subject).
LONGEST_KEY: Final = 1024


@runtime_checkable
class KeyValueStore(Protocol):
    """Remembers bytes under keys. A class of yours with these five methods is a store."""

    async def get(self, key: str) -> bytes | None:
        """The value, or None when there is no such key."""
        ...

    async def set(self, key: str, value: bytes | str) -> bool:
        """Remember ``value``, whatever was there before; text is kept as UTF-8."""
        ...

    async def delete(self, key: str) -> bool:
        """Forget the key; False when there was none."""
        ...

    async def exists(self, key: str) -> bool:
        """Whether the key has a value."""
        ...

    async def keys(self) -> list[str]:
        """Every key that has a value, in no particular order."""
        ...


@runtime_checkable
class Expires(Protocol):
    """An optional power: values that vanish by themselves."""

    async def set_expiring(self, key: str, value: bytes | str, ttl: float) -> bool:
        """Remember ``value`` for ``ttl`` seconds: never less by the store's clock, and soon forgotten after."""
        ...


@runtime_checkable
class ReadsMany(Protocol):
    """An optional power: everything under a prefix at once."""

    async def read_many(self, prefix: str = "") -> dict[str, bytes]:
        """Every key that begins with ``prefix``, with its value."""
        ...


@runtime_checkable
class Swaps(Protocol):
    """An optional power: a write that only happens if nobody was quicker."""

    async def swap(
        self, key: str, expected: bytes | str | None, value: bytes | str | None, *, ttl: float | None = None
    ) -> bool:
        """Replace ``expected`` by ``value`` at one stroke; None means absent. False: it was not so, nothing changed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What became of the keys under a prefix since the last time; ``outage`` is set while the store does not answer."""

    values: Mapping[str, bytes | None] = field(default_factory=dict)  # None: the key is gone
    outage: StoreError | None = None


@runtime_checkable
class Watches(Protocol):
    """An optional power: being told of changes instead of asking for them."""

    def watch(self, prefix: str = "") -> AsyncIterator[Changes]:
        """First everything there is, then what changes, for ever.

        Each key's last value is always told, and no older one after it; values that were replaced quickly may be
        skipped. An outage is told once, when it begins; the first item after it holds whatever changed meanwhile.
        """
        ...


def as_bytes(value: bytes | str) -> bytes:
    """What is stored for ``value``."""
    return value.encode() if isinstance(value, str) else bytes(value)


def key_bytes(key: str) -> bytes:
    """The key in UTF-8. Any text will do that is neither empty nor longer than ``LONGEST_KEY``."""
    try:
        encoded = key.encode()
    except UnicodeEncodeError as error:
        raise StoreRefusedError(f"The key {key!r} has half a character in it; UTF-8 cannot hold that.") from error
    if not 0 < len(encoded) <= LONGEST_KEY:
        raise StoreRefusedError(
            f"A key has 1 to {LONGEST_KEY} bytes; {key[:40]!r}... has {len(encoded)}. Hash what may be longer."
        )
    return encoded


def checked_ttl(ttl: float) -> float:
    """A time to live that is one."""
    if not 0 < ttl < float("inf"):
        raise StoreRefusedError(f"A time to live of {ttl!r} s is none: give a number of seconds above 0.")
    return ttl
