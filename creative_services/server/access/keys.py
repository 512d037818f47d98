"""The keys callers show: looked up by their hash in a snapshot, which whoever manages them replaces whole."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from creative_services.config import setting
from creative_services.core.access import KeyRecord, KeyScope, KeySnapshot
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
    if written and not items:
        raise ConfigurationError(f"{KEYS_VARIABLE} is set and names no key. Leave it out, or write name=key in it.")
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
    digest = _digest(key, where)
    try:
        return KeyRecord(id=owner or f"key-{place}", owner=owner, digest=digest, **limits)
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}") from None


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


def _scopes(text: str) -> frozenset[KeyScope]:
    return frozenset(KeyScope(name) for name in text.split("+"))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What may follow a key: the field it sets, how it is read, how it is written, what it means."""

    field: str
    read: Callable[[str], Any]
    example: str
    what: str


OPTIONS: Final[Mapping[str, Option]] = {
    "rpm": Option(field="requests_per_minute", read=int, example="rpm=60", what="requests per minute"),
    "tpm": Option(field="tokens_per_minute", read=int, example="tpm=100000", what="tokens per minute, both ways"),
    "tiers": Option(field="tiers", read=_tiers, example="tiers=economy+local", what="the tiers it may use"),
    "scopes": Option(field="scopes", read=_scopes, example="scopes=chat+embeddings", what="the scopes it has"),
    "day": Option(field="budget_per_day", read=money, example="day=5", what="dollars per day"),
    "month": Option(field="budget_per_month", read=money, example="month=99.50", what="dollars per month"),
    "until": Option(field="expires_at", read=_moment, example="until=2030-01-31", what="when it expires, in UTC"),
}


def _option(written: str, where: str) -> tuple[str, Any]:
    name, _, value = (part.strip() for part in written.partition("="))
    if name not in OPTIONS:
        raise ConfigurationError(f"{where}: unknown option {name!r}. Known: {', '.join(OPTIONS)}.")
    option = OPTIONS[name]
    try:
        return option.field, option.read(value)
    except (ValueError, ArithmeticError):
        raise ConfigurationError(
            f"{where}: {name}={value!r} cannot be read; it is written as in {option.example}."
        ) from None


def _refuse_twins(records: Iterable[KeyRecord]) -> None:
    seen: dict[Any, KeyRecord] = {}
    for record in records:
        for mark in (record.digest, record.id):
            if mark in seen:
                raise ConfigurationError(f"{KEYS_VARIABLE}: two keys are called {record.id!r}, or are the same key.")
            seen[mark] = record
