"""Which key is meant, and how keys are told to programs."""

from typing import Any

from django.utils.translation import gettext as _

from creative_services.core.errors import ConfigurationError
from django_app.access import key_text
from django_app.access.models import AccessKey


def found(name: str, using: str) -> AccessKey:
    """The key of this id, with or without what is shown around it. A whole key is taken, and not repeated."""
    key_id = name.removeprefix(key_text.PREFIX)[:8]
    row = AccessKey.objects.using(using).select_related("user", "use", "successor").filter(key_id=key_id).first()
    if row is None:
        raise ConfigurationError(
            _("There is no key %(key)s here. `manage.py access list` shows them.") % {"key": key_id}
        )
    return row


def described(row: AccessKey) -> dict[str, Any]:
    """All that may be told of a key."""
    return {
        "key": row.key_id,
        "account": row.account,
        "owner": row.owner,
        "user": row.user.get_username() if row.user else None,
        "note": row.note,
        "state": row.state.value,
        "tiers": row.tiers,
        "scopes": row.scopes,
        "requests_per_minute": row.requests_per_minute,
        "tokens_per_minute": row.tokens_per_minute,
        "budget_per_day": row.budget_per_day,
        "budget_per_month": row.budget_per_month,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "created_at": row.created_at,
        "revoked_at": row.revoked_at,
        "successor": row.successor.key_id if row.successor else None,
    }
