"""Making, replacing and ending keys: the same for the admin and for commands."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from creative_services.core.errors import ConfigurationError
from creative_services.core.secrets import Secret
from django_app.access import key_text
from django_app.access.models import AccessKey
from django_app.access.models.access_key import SHARED
from django_app.llms.audit import acting

# How long the old key may go on beside the new one: as long as it takes to roll out one service, or all of them.
OVERLAPS: Final = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key's row, and for this once the key."""

    row: AccessKey
    key: Secret


def issue(using: str, *, by: Any = None, reason: str = "", **fields: Any) -> Issued:
    """Make a key."""
    row = AccessKey(**fields, created_by=_name(by))
    return Issued(row, _save(row, using, by, reason))


def rotate(pk: int, overlap: timedelta, *, using: str, by: Any = None) -> Issued:
    """Make the key's successor, with the same account and limits; the old one ends after the overlap."""
    with transaction.atomic(using=using):
        old = AccessKey.objects.using(using).select_for_update().get(pk=pk)
        if why := why_not_rotated(old):
            raise ConfigurationError(why)
        now = timezone.now()
        fields = {name: getattr(old, name) for name in (*SHARED, "account", "note")}
        new = AccessKey(**fields, created_by=_name(by), expires_at=_end_of_successor(old, now))
        key = _save(new, using, by, _("successor of %(key)s") % {"key": old.key_id})
        old.successor, old.expires_at = new, min(now + overlap, old.expires_at or now + overlap)
        with acting(by, _("rotated to %(key)s") % {"key": new.key_id}):
            old.save(using=using)
    return Issued(new, key)


def why_not_rotated(row: AccessKey) -> str:
    """Why a key can have no successor; empty when it can. Names ids: errors mask whatever begins like a key."""
    if row.successor_id is not None:
        successor = row.successor.key_id if row.successor else ""
        return _("The key %(key)s was rotated already. Rotate its successor %(successor)s instead.") % {
            "key": row.key_id, "successor": successor,
        }  # fmt: skip
    if row.state != AccessKey.State.WORKS:
        return _("The key %(key)s does not work any more: make a new one.") % {"key": row.key_id}
    return ""


def revoke(rows: Iterable[AccessKey], *, using: str, by: Any = None, reason: str = "") -> list[AccessKey]:
    """End keys for ever, for every gateway within a second; those that were not revoked before."""
    ended = []
    with transaction.atomic(using=using), acting(by, f"{_('revoked')}: {reason}" if reason else _("revoked")):
        pks = [row.pk for row in rows]
        for row in AccessKey.objects.using(using).select_for_update().filter(pk__in=pks, revoked_at=None):
            row.is_active, row.revoked_at, row.revoked_by = False, timezone.now(), _name(by)
            row.save(using=using)
            ended.append(row)
    return ended


def _save(row: AccessKey, using: str, by: Any, reason: str) -> Secret:
    key = key_text.new_key(row.key_id)
    row.digest = key_text.digest_of(key)
    row.account = row.account or row.key_id
    try:
        row.full_clean()
    except ValidationError as error:
        raise ConfigurationError(" ".join(error.messages)) from error
    with acting(by, reason):
        row.save(using=using)
    return key


def _end_of_successor(old: AccessKey, now: datetime) -> datetime | None:
    """A key made for thirty days has a successor for thirty days."""
    return now + (old.expires_at - old.created_at) if old.expires_at else None


def _name(by: Any) -> str:
    return by.get_username()[:200] if by else ""
