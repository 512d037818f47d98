"""What a gateway reads of the keys in one database."""

from collections.abc import Iterator
from datetime import UTC
from logging import getLogger
from typing import Any

from django.db import connections

from creative_services.core.access import KeyRecord, KeyScope
from creative_services.core.llm_registry import LLMTier
from django_app.access.models import AccessKey

_COLUMNS = (
    "key_id", "account", "digest", "owner", "tiers", "scopes", "requests_per_minute", "tokens_per_minute",
    "budget_per_day", "budget_per_month", "expires_at",
)  # fmt: skip

_log = getLogger("creative_services.gateway")


class AccessKeySource:
    """Reads the ``AccessKey`` table of one database."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def revision(self) -> tuple[int, int]:
        """The one row; plain SQL, since the ORM's share of a poll would be ten times the database's."""
        with connections[self._alias].cursor() as cursor:
            cursor.execute("SELECT number, token FROM creative_services_access_revision WHERE id = 1")
            number, token = cursor.fetchone() or (0, 0)
            return number, token

    def records(self) -> Iterator[KeyRecord]:
        """Every key that is on, in one query. Expired ones too: their callers are told so, and when it was."""
        for row in AccessKey.objects.using(self._alias).filter(is_active=True).order_by("pk").values(*_COLUMNS):
            try:
                yield _record(row)
            except (ValueError, TypeError) as error:  # raw SQL can write what no form lets through
                _log.warning("The key %s is refused until its row is repaired: %s", row["key_id"], error)


def _record(row: dict[str, Any]) -> KeyRecord:
    tiers, scopes, expires_at = row["tiers"], row["scopes"], row["expires_at"]
    return KeyRecord(
        id=row["key_id"],
        account=row["account"],
        digest=bytes.fromhex(row["digest"]),
        owner=row["owner"],
        tiers=frozenset(map(LLMTier, tiers)) if tiers else None,
        scopes=frozenset(map(KeyScope, scopes)) if scopes else None,
        requests_per_minute=row["requests_per_minute"],
        tokens_per_minute=row["tokens_per_minute"],
        budget_per_day=row["budget_per_day"],
        budget_per_month=row["budget_per_month"],
        # A project without USE_TZ keeps naive moments.
        expires_at=expires_at.replace(tzinfo=UTC) if expires_at and expires_at.tzinfo is None else expires_at,
    )
