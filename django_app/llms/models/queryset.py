"""Every way the ORM changes entries at once, told to the workers like a single save."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from django.db import models, transaction
from django.utils import timezone

from creative_services.core.errors import ConfigurationError
from django_app.llms import changes
from django_app.llms.keys.sealing import seal
from django_app.llms.keys.written import Kind, hidden, kind_of
from django_app.llms.ordering import PRICE_ORDER

if TYPE_CHECKING:
    from django_app.llms.models.llms import Llms

Values = Mapping[str, Any]


class LlmsQuerySet(models.QuerySet["Llms", "Llms"]):
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
        if "api_key" in _hiding(values):
            values.setdefault("api_key_changed_at", timezone.now())
        with transaction.atomic(using=self.db):
            count = super().update(**values)
            changes.note(self.db)
        return count

    def create(self, **values: Any) -> "Llms":
        """Save a new one; what fails below shows no key among its variables."""
        return super().create(**_hiding(values))

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
    create.alters_data = True  # type: ignore[attr-defined]  # as above
    update.alters_data = True  # type: ignore[attr-defined]  # as above


class LlmsManager(models.Manager.from_queryset(LlmsQuerySet)):  # type: ignore[misc]  # a class made while running
    """The door most code comes in by: Django's own frames behind it get no plain key to show on an error page."""

    def create(self, **values: Any) -> "Llms":
        """As the queryset's."""
        return cast("Llms", super().create(**_hiding(values)))

    def get_or_create(self, defaults: Values | None = None, **values: Any) -> tuple["Llms", bool]:
        """As Django's."""
        defaults = _hiding({**(defaults or {})})
        return cast("tuple[Llms, bool]", super().get_or_create(defaults, **_hiding(values)))

    def update_or_create(
        self, defaults: Values | None = None, create_defaults: Values | None = None, **values: Any
    ) -> tuple["Llms", bool]:
        """As Django's."""
        defaults = _hiding({**(defaults or {})})
        create_defaults = _hiding({**create_defaults}) if create_defaults is not None else None
        return cast("tuple[Llms, bool]", super().update_or_create(defaults, create_defaults, **_hiding(values)))


def _hiding(values: dict[str, Any]) -> dict[str, Any]:
    # In place: a copy would leave the plain key in the caller's variables.
    if "api_key" in values:
        values["api_key"] = hidden(values["api_key"])
    return values
