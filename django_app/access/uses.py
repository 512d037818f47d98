"""When each key was last used, noted once for every batch of calls that is stored."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django_app.access.models import AccessKey, KeyUse
from django_app.llms.signals import usage_stored


def follow_usage() -> None:
    """Hear of every batch."""
    usage_stored.connect(_stored, dispatch_uid=f"{__name__}.stored")


def _stored(*, using: str, rows: Iterable[Any], **_: Any) -> None:
    latest: dict[str, datetime] = {}
    for row in rows:
        if row.client:
            latest[row.client] = max(row.at, latest.get(row.client, row.at))
    if latest:
        note(using, latest)


def note(using: str, latest: dict[str, datetime]) -> None:
    """Keep the later moment of each key; two queries, whatever the number of keys. Keys of others are none of ours."""
    keys = AccessKey.objects.using(using).filter(key_id__in=latest).values_list("pk", "key_id", "use__at")
    newer = [
        KeyUse(key_id=pk, at=latest[key_id]) for pk, key_id, before in keys if not before or before < latest[key_id]
    ]
    KeyUse.objects.using(using).bulk_create(
        newer, update_conflicts=True, unique_fields=["key"], update_fields=["at"], batch_size=500
    )
