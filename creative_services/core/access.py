"""Who may call the gateway: a key's record, all records of one moment, and where they come from."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from creative_services.core.llm_registry import LLMTier
from creative_services.core.pricing import money


class KeyScope(StrEnum):
    """A part of the gateway that a key may be for: asking models, asking for vectors, listing what there is."""

    CHAT = "chat"  # chat completions, responses and messages: three shapes of one thing
    EMBEDDINGS = "embeddings"
    MODELS = "models"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What one key may do. The key itself is not here: ``digest`` is its SHA-256, which is all that a check needs."""

    id: str
    digest: bytes = field(repr=False)
    owner: str = ""
    account: str = ""  # keys that share one share limits and budgets, as an old key and its successor do; else the id
    tiers: frozenset[LLMTier] | None = None  # None: every tier
    scopes: frozenset[KeyScope] | None = None  # None: everything
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    budget_per_day: Decimal | None = None
    budget_per_month: Decimal | None = None
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        if len(self.digest) != 32:
            raise ValueError(f"Key {self.id!r}: digest is the 32 bytes of a SHA-256, not {len(self.digest)}.")
        if self.scopes is not None and not self.scopes:
            raise ValueError(f"Key {self.id!r}: no scope at all lets nothing through; leave scopes out, or revoke it.")
        object.__setattr__(self, "account", self.account or self.id)
        for name in ("requests_per_minute", "tokens_per_minute"):
            limit = getattr(self, name)
            if limit is not None and limit < 1:
                raise ValueError(f"Key {self.id!r}: {name}={limit} lets nothing through; leave it out, or revoke it.")
        for name in ("budget_per_day", "budget_per_month"):
            object.__setattr__(self, name, money(getattr(self, name)))

    def expired(self, now: datetime) -> bool:
        """Whether the key's time is over."""
        return self.expires_at is not None and self.expires_at <= now

    def allows(self, tier: LLMTier) -> bool:
        """Whether entries of this tier may answer this key."""
        return self.tiers is None or tier in self.tiers


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySnapshot:
    """Every valid key at one moment: never changed, only replaced. ``revision`` tells two moments apart."""

    by_digest: Mapping[bytes, KeyRecord]
    revision: Hashable = None

    @classmethod
    def of(cls, records: Iterable[KeyRecord], revision: Hashable = None) -> "KeySnapshot":
        """Index ``records`` by their digests. Whoever leaves a record out has revoked its key."""
        return cls(by_digest={record.digest: record for record in records}, revision=revision)


class KeyFeed(Protocol):
    """Where keys are managed, seen from a gateway: asked again and again whether anything has changed."""

    async def fetch(self, known: Hashable) -> KeySnapshot | None:
        """The keys of this moment; None when they are still those of the revision ``known``."""
        ...
