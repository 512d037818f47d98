"""Limits on money that people set, and what was spent under each."""

from decimal import Decimal
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from creative_services.core.budgets import Budget
from django_app.llms.models.rules import TIERS

# Spending is a whole number of these: SQLite keeps no decimals, and sums of floats would not be exact.
UNITS_PER_USD: Final = 10**10


def units(amount: Decimal) -> int:
    """An amount of USD in ten-billionths."""
    return int((amount * UNITS_PER_USD).to_integral_value())


def usd(amount: int) -> Decimal:
    """Ten-billionths in USD."""
    return Decimal(amount) / UNITS_PER_USD


class BudgetLimit(models.Model):
    """At most so much money per window, for everything, for one or each tier, for one or each user."""

    class Per(models.TextChoices):
        """The window."""

        HOUR = "hour", _("hour")
        DAY = "day", _("day")
        MONTH = "month", _("month")
        EVER = "ever", _("ever")

    class Scope(models.TextChoices):
        """What is counted together."""

        CLIENT = "client", _("everything")
        TIER = "tier", _("tier")
        USER = "user", _("user")

    scope = models.CharField(_("counted per"), max_length=8, choices=Scope.choices, default=Scope.TIER)
    whom = models.CharField(
        _("only for"), max_length=200, blank=True, default="", help_text=_("A tier or a user; empty: each of them.")
    )
    limit = models.DecimalField(
        _("limit in USD"), max_digits=16, decimal_places=4, validators=[MinValueValidator(Decimal(0))]
    )
    per = models.CharField(_("per"), max_length=8, choices=Per.choices, default=Per.DAY)
    is_active = models.BooleanField(_("active"), default=True)
    note = models.CharField(_("note"), max_length=200, blank=True, default="")

    class Meta:
        db_table = "creative_services_budget"
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        ordering = ("scope", "whom", "per")
        constraints = (
            models.CheckConstraint(
                condition=Q(limit__gte=0),
                name="budget_limit_not_negative",
                violation_error_message=_("A limit cannot be negative."),
            ),
            models.UniqueConstraint(
                fields=("scope", "whom", "per"),
                name="budget_unique",
                violation_error_message=_("There is such a budget already."),
            ),
        )

    def __str__(self) -> str:
        whom = f" {self.whom}" if self.whom else ""
        return f"{self.limit:f} USD / {self.get_per_display()} · {self.get_scope_display()}{whom}"

    def clean(self) -> None:
        """A tier must exist, and what is counted for everything is for nobody in particular."""
        if self.scope == self.Scope.CLIENT and self.whom:
            raise ValidationError({"whom": _("Leave this empty: the limit is for everything.")})
        if self.scope == self.Scope.TIER and self.whom and self.whom not in TIERS:
            raise ValidationError({"whom": _("Tiers: %(tiers)s.") % {"tiers": ", ".join(TIERS)}})

    def as_budget(self) -> Budget:
        """The rule as calls keep it."""
        return Budget(limit=Decimal(f"{self.limit.normalize():f}"), per=self.per, scope=self.scope, whom=self.whom)  # type: ignore[arg-type]  # the choices are those names


class BudgetAccount(models.Model):
    """What one account has spent or set aside in one window."""

    account = models.CharField(_("account"), max_length=250, primary_key=True)
    spent_units = models.BigIntegerField(_("spent, in ten-billionths of a dollar"), default=0)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        db_table = "creative_services_budget_account"
        verbose_name = _("budget account")
        verbose_name_plural = _("budget accounts")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.account}: {self.spent:f}"

    @property
    def spent(self) -> Decimal:
        """In USD."""
        return usd(self.spent_units)
