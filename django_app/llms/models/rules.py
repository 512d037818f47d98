"""What the database itself holds about an entry: constraints, indexes, the order of selection."""

from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

TIERS: Final = ("economy", "standard", "premium", "local")


def price(verbose_name: Any, **options: Any) -> "models.DecimalField[Any, Any]":
    """A price column. Ten places: a cached token of the smallest models costs a hundred-millionth of a dollar."""
    return models.DecimalField(
        verbose_name,
        max_digits=16,
        decimal_places=10,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        **options,
    )


def a_list_of_words(value: Any) -> None:
    """Validates ``["tools", "vision"]``."""
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise ValidationError(_('Write a list of words, such as ["tools", "vision"].'), code="not_words")


def a_dictionary(value: Any) -> None:
    """Validates ``{"name": value}``."""
    if not isinstance(value, dict):
        raise ValidationError(_('Write a dictionary, such as {"service_tier": "flex"}.'), code="not_dictionary")


def _not_negative(field: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(**{field: None}) | Q(**{f"{field}__gte": 0}),
        name=f"llms_{field}_not_negative",
        violation_error_message=_("A price cannot be negative."),
    )


CONSTRAINTS: Final = (
    _not_negative("cost_per_1k_input"),
    _not_negative("cost_per_1k_output"),
    models.CheckConstraint(
        condition=Q(temperature=None) | Q(temperature__gte=0, temperature__lte=2),
        name="llms_temperature_0_to_2",
        violation_error_message=_("A temperature is between 0 and 2."),
    ),
    models.CheckConstraint(
        condition=Q(tier__in=TIERS),
        name="llms_tier_known",
        violation_error_message=_("This tier does not exist."),
    ),
    # The last fence for raw SQL: a vendor's key has no colon, a reference does.
    models.CheckConstraint(
        condition=Q(api_key="") | Q(api_key__startswith="v1$") | Q(api_key__contains=":"),
        name="llms_api_key_not_plain",
        violation_error_message=_("A plain API key cannot be stored."),
    ),
    models.UniqueConstraint(
        fields=("provider", "model_name", "api_endpoint", "name"),
        name="llms_entry_unique",
        violation_error_message=_("This entry exists already: same provider, model, endpoint and name."),
    ),
)

INDEXES: Final = (models.Index(fields=("tier", "is_active", "cost_per_1k_input"), name="llms_selection"),)
