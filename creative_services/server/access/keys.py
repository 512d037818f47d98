"""The keys callers show: looked up by their hash in a snapshot, which whoever manages them replaces whole."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from creative_services.config import setting
from creative_services.core.access import KeyRecord, KeySnapshot
from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMTier
from creative_services.core.pricing import money

KEYS_VARIABLE: Final = "CREATIVE_SERVICES_GATEWAY_KEYS"
# Shorter ones could be tried through; 20 random characters cannot.
SHORTEST_KEY: Final = 16
_HASHED: Final = "sha256:"


def digest_of(key: str | bytes) -> bytes:
    """The hash a key is known by."""
    return sha256(key.encode() if isinstance(key, str) else key).digest()


class KeyRing:
    """The keys of this moment. One look-up, no lock: a new snapshot takes the place of the old in one step."""

    __slots__ = ("_by_digest", "_snapshot", "ever")

    def __init__(self, snapshot: KeySnapshot) -> None:
        self.ever = False  # whether there has been a key; with the last one revoked the door does not open again
        self.replace(snapshot)

    def replace(self, snapshot: KeySnapshot) -> None:
        """From now on these keys are the valid ones."""
        self._snapshot = snapshot
        self._by_digest = snapshot.by_digest
        self.ever = self.ever or bool(snapshot.by_digest)

    @property
    def snapshot(self) -> KeySnapshot:
        """The keys as they are."""
        return self._snapshot

    def find(self, key: bytes) -> KeyRecord | None:
        """The record of a key, if it is one of ours."""
        return self._by_digest.get(sha256(key).digest())


def keys_from(environ: Mapping[str, str]) -> KeySnapshot:
    """The keys named in the environment: separated by commas or line ends, each with options behind semicolons.

    ``alice=a-long-random-secret;rpm=60;tiers=economy+standard, sha256:9f86...`` and so on.
    """
    written = setting(environ, KEYS_VARIABLE) or ""
    items = [item.strip() for line in written.splitlines() for item in line.split(",") if item.strip()]
    records = [_record(item, place) for place, item in enumerate(items, start=1)]
    _refuse_twins(records)
    return KeySnapshot.of(records, revision="environment")


def _record(item: str, place: int) -> KeyRecord:
    named, *options = (part.strip() for part in item.split(";"))
    owner, _, key = named.partition("=")
    # Without an owner the whole is the key; keys in base64 may end in "=".
    if not key.strip("="):
        owner, key = "", named
    where = f"{KEYS_VARIABLE}, key {place}{f' ({owner})' if owner else ''}"
    limits = dict(_option(option, where) for option in options if option)
    return KeyRecord(id=owner or f"key-{place}", owner=owner, digest=_digest(key, where), **limits)


def _digest(key: str, where: str) -> bytes:
    if key.startswith(_HASHED):
        try:
            digest = bytes.fromhex(key.removeprefix(_HASHED))
        except ValueError:
            digest = b""
        if len(digest) != 32:
            raise ConfigurationError(f"{where}: after {_HASHED} come the 64 hexadecimal digits of the key's SHA-256.")
        return digest
    if len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable():
        raise ConfigurationError(
            f"{where}: a key has at least {SHORTEST_KEY} printable ASCII characters. "
            "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return digest_of(key)


def _tiers(text: str) -> frozenset[LLMTier]:
    return frozenset(LLMTier(name) for name in text.split("+"))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_OPTIONS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "rpm": ("requests_per_minute", int),
    "tpm": ("tokens_per_minute", int),
    "tiers": ("tiers", _tiers),
    "day": ("budget_per_day", money),
    "month": ("budget_per_month", money),
    "until": ("expires_at", _moment),
}


def _option(written: str, where: str) -> tuple[str, Any]:
    name, _, value = (part.strip() for part in written.partition("="))
    if name not in _OPTIONS:
        raise ConfigurationError(f"{where}: unknown option {name!r}. Known: {', '.join(_OPTIONS)}.")
    field, read = _OPTIONS[name]
    try:
        return field, read(value)
    except (ValueError, ArithmeticError):
        raise ConfigurationError(f"{where}: {name}={value!r} cannot be read.") from None


def _refuse_twins(records: Iterable[KeyRecord]) -> None:
    seen: dict[Any, KeyRecord] = {}
    for record in records:
        for mark in (record.digest, record.id):
            if mark in seen:
                raise ConfigurationError(f"{KEYS_VARIABLE}: two keys are called {record.id!r}, or are the same key.")
            seen[mark] = record
