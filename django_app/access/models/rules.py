"""What the database itself holds about a key."""

from collections.abc import Iterable
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.functions import Cast, Length, Replace
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from creative_services.core.access import KeyScope
from creative_services.core.llm_registry import LLMTier

DIGEST_LENGTH: Final = 64  # of a SHA-256 in hexadecimal digits


def only_tiers(value: Any) -> None:
    """Validates ``["economy", "local"]``."""
    known = [tier.value for tier in LLMTier]
    if not isinstance(value, list) or any(tier not in known for tier in value):
        raise ValidationError(_("Tiers: %(tiers)s.") % {"tiers": ", ".join(known)}, code="not_tiers")


def only_scopes(value: Any) -> None:
    """Validates ``["chat", "models"]``."""
    known = [scope.value for scope in KeyScope]
    if not isinstance(value, list) or any(scope not in known for scope in value):
        raise ValidationError(_("Scopes: %(scopes)s.") % {"scopes": ", ".join(known)}, code="not_scopes")


def per_minute(verbose_name: Any) -> "models.PositiveIntegerField[Any, Any]":
    """A limit; none when empty."""
    return models.PositiveIntegerField(
        verbose_name, null=True, blank=True, validators=[MinValueValidator(1)], help_text=_("Empty: no limit.")
    )


def budget(verbose_name: Any) -> "models.DecimalField[Any, Any]":
    """An amount in USD; none when empty."""
    return models.DecimalField(
        verbose_name, max_digits=16, decimal_places=4, null=True, blank=True,
        validators=[MinValueValidator(0)], help_text=_("In USD, by the UTC calendar. Empty: no limit."),
    )  # fmt: skip


def _at_least(field: str, least: int, told: Any) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(**{field: None}) | Q(**{f"{field}__gte": least}),
        name=f"access_{field}_least",
        violation_error_message=told,
    )


def _nothing_but(field: str, words: Iterable[str]) -> Func:
    """The list as the database writes it, without these words and what parts them: ``[]`` when it had no others."""
    text: Func = Cast(field, models.TextField())
    for gone in (*(f'"{word}"' for word in words), ",", " "):
        text = Replace(text, Value(gone), output_field=models.TextField())
    return text


CONSTRAINTS: Final = (
    _at_least("requests_per_minute", 1, _("A limit of 0 lets nothing through: switch the key off instead.")),
    _at_least("tokens_per_minute", 1, _("A limit of 0 lets nothing through: switch the key off instead.")),
    _at_least("budget_per_day", 0, _("A budget cannot be negative.")),
    _at_least("budget_per_month", 0, _("A budget cannot be negative.")),
    # The last fence for raw SQL: no key of ours has this length, so none can stand where its digest belongs.
    models.CheckConstraint(
        condition=Exact(Length("digest"), DIGEST_LENGTH),
        name="access_digest_is_no_key",
        violation_error_message=_("Only the digest of a key is stored."),
    ),
    # An unknown scope would have the whole key refused, and null would be read as everything.
    models.CheckConstraint(
        condition=Exact(_nothing_but("scopes", KeyScope), Value("[]")),
        name="access_scopes_known",
        violation_error_message=_("This is not a list of scopes."),
    ),
    models.CheckConstraint(
        condition=Q(revoked_at=None) | Q(is_active=False),
        name="access_revoked_is_off",
        violation_error_message=_("A revoked key stays revoked: make a new one."),
    ),
)
