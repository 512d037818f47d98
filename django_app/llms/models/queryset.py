"""Every way the ORM changes entries at once, told to the workers like a single save."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils import timezone

from creative_services.core.errors import ConfigurationError
from django_app.llms import changes
from django_app.llms.keys.sealing import seal
from django_app.llms.keys.written import Kind, kind_of
from django_app.llms.models.doors import HidesKeys, hiding
from django_app.llms.ordering import PRICE_ORDER

if TYPE_CHECKING:
    from django_app.llms.models.llms import Llms


class LlmsQuerySet(HidesKeys, models.QuerySet["Llms", "Llms"]):
    """Entries, with the documented selection as a query and bulk changes that workers notice."""

    def active(self) -> "LlmsQuerySet":
        """Only entries that may answer."""
        return self.filter(is_active=True)

    def cheapest(self, tier: str) -> "Llms | None":
        """The documented rule as a query. For people and scripts: calls use the registry, which asks no database."""
        return self.active().filter(tier=tier).order_by(*PRICE_ORDER).first()

    async def acheapest(self, tier: str) -> "Llms | None":
        """The same from a coroutine."""
        return await self.active().filter(tier=tier).order_by(*PRICE_ORDER).afirst()

    def update(self, **values: Any) -> int:
        """Change all at once, in one transaction with the revision."""
        self._for_write = True
        values.setdefault("updated_at", timezone.now())
        if "api_key" in hiding(values):
            values.setdefault("api_key_changed_at", timezone.now())
        with transaction.atomic(using=self.db):
            count = super().update(**values)
            changes.note(self.db)
        return count

    def bulk_create(self, objs: Iterable["Llms"], *args: Any, **kwargs: Any) -> list["Llms"]:
        """Insert many; plain keys are sealed as ``save()`` does it."""
        self._for_write = True
        rows = list(objs)
        plain = [(row, row.api_key) for row in rows if kind_of(row.api_key) is Kind.PLAIN]
        try:
            with transaction.atomic(using=self.db):
                for row, _ in plain:
                    row.api_key = ""
                created = super().bulk_create(rows, *args, **kwargs)
                self._seal(plain)
                changes.note(self.db)
        except BaseException:
            for row, text in plain:  # as the caller left them, so that trying again can succeed
                row.api_key = text
            raise
        return created

    def _seal(self, plain: list[tuple["Llms", Any]]) -> None:
        for row, text in plain:
            if row.pk is None:
                raise ConfigurationError(
                    "bulk_create(ignore_conflicts=True) does not tell which rows it wrote, so a plain API key "
                    "cannot be sealed to its row. Leave ignore_conflicts out, or give the keys by reference."
                )
            row.api_key, row.api_key_changed_at = seal(text, row.pk), timezone.now()
        if plain:
            self.bulk_update([row for row, _ in plain], ["api_key", "api_key_changed_at"])

    bulk_create.alters_data = True  # type: ignore[attr-defined]  # what Django sets on its own, read by templates
    update.alters_data = True  # type: ignore[attr-defined]  # as above


class LlmsManager(HidesKeys, models.Manager.from_queryset(LlmsQuerySet)):  # type: ignore[misc]  # made while running
    """The door most code comes in by."""
