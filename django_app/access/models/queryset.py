"""Changes of many keys at once, noticed by gateways like a single one."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from django_app.access import changes

if TYPE_CHECKING:
    from django_app.access.models.access_key import AccessKey


class AccessKeyQuerySet(models.QuerySet["AccessKey", "AccessKey"]):
    """Keys."""

    def working(self, now: datetime | None = None) -> "AccessKeyQuerySet":
        """Those a gateway lets in."""
        return self.filter(is_active=True).filter(Q(expires_at=None) | Q(expires_at__gt=now or timezone.now()))

    def update(self, **values: Any) -> int:
        """Change all at once, in one transaction with the revision."""
        self._for_write = True
        with transaction.atomic(using=self.db):
            count = super().update(**values)
            changes.note(self.db)
        return count

    def bulk_create(self, objs: Iterable["AccessKey"], *args: Any, **kwargs: Any) -> list["AccessKey"]:
        """Insert many, in one transaction with the revision."""
        self._for_write = True
        rows = list(objs)
        for row in rows:
            row.account = row.account or row.key_id
        with transaction.atomic(using=self.db):
            created = super().bulk_create(rows, *args, **kwargs)
            changes.note(self.db)
        return created

    update.alters_data = True  # type: ignore[attr-defined]  # what Django sets on its own, read by templates
    bulk_create.alters_data = True  # type: ignore[attr-defined]  # as above
