"""What calls used and cost: every try a row, summed up by hour and by day."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


def _tokens(verbose_name: Any) -> "models.PositiveBigIntegerField[Any, Any]":
    return models.PositiveBigIntegerField(verbose_name, default=0)


class Usage(models.Model):
    """One try of one entry; of a call that never came that far, the call. No prompt and no answer is kept."""

    call_id = models.CharField(_("call"), max_length=64, db_index=True)
    attempt = models.PositiveSmallIntegerField(_("try"), default=1)
    is_final = models.BooleanField(_("ended the call"), default=True)
    at = models.DateTimeField(_("ended at"))
    surface = models.CharField(_("through"), max_length=32, default="sdk")
    operation = models.CharField(_("operation"), max_length=32, default="chat")
    asked = models.CharField(_("asked for"), max_length=200, blank=True, default="")
    tier = models.CharField(_("tier"), max_length=16, blank=True, default="")
    llm_id = models.BigIntegerField(_("entry id"), null=True, blank=True)
    entry = models.CharField(_("entry"), max_length=200, blank=True, default="")
    provider = models.CharField(_("provider"), max_length=64, blank=True, default="")
    model = models.CharField(_("model"), max_length=200, blank=True, default="")
    user = models.CharField(_("user"), max_length=200, blank=True, default="")
    client = models.CharField(_("client key"), max_length=64, blank=True, default="")
    streamed = models.BooleanField(_("streamed"), default=False)
    outcome = models.CharField(_("outcome"), max_length=64, default="ok")
    status = models.PositiveSmallIntegerField(_("status"), null=True, blank=True)
    seconds = models.FloatField(_("seconds"), default=0)

    input_tokens = _tokens(_("input tokens"))
    output_tokens = _tokens(_("output tokens"))
    cached_tokens = _tokens(_("cached tokens"))
    cache_write_tokens = _tokens(_("cache write tokens"))
    reasoning_tokens = _tokens(_("reasoning tokens"))
    is_estimated = models.BooleanField(_("tokens estimated"), default=False)

    # The prices of the moment: what was spent does not change when a price does.
    cost = models.DecimalField(_("cost"), max_digits=20, decimal_places=10, null=True, blank=True)
    price_input = models.DecimalField(_("input price"), max_digits=16, decimal_places=10, null=True, blank=True)
    price_output = models.DecimalField(_("output price"), max_digits=16, decimal_places=10, null=True, blank=True)
    price_source = models.CharField(_("price from"), max_length=200, blank=True, default="")
    metadata = models.JSONField(_("metadata"), blank=True, default=dict)

    class Meta:
        db_table = "creative_services_usage"
        verbose_name = _("usage")
        verbose_name_plural = _("usage")
        default_permissions = ("view",)
        ordering = ("-at", "-id")
        indexes = (
            models.Index(fields=("at",), name="usage_at"),
            models.Index(fields=("tier", "at"), name="usage_tier_at"),
            models.Index(fields=("llm_id", "at"), name="usage_llm_at"),
        )

    def __str__(self) -> str:
        return f"{self.call_id}#{self.attempt} {self.outcome}"


class UsageTotal(models.Model):
    """The sum of an hour's or a day's rows that share entry, user and way in."""

    class Per(models.TextChoices):
        """How long a total is."""

        HOUR = "hour", _("hour")
        DAY = "day", _("day")

    per = models.CharField(_("per"), max_length=4, choices=Per.choices)
    start = models.DateTimeField(_("start"))
    tier = models.CharField(_("tier"), max_length=16, blank=True, default="")
    # 0 and not NULL for calls that reached no entry: NULLs would not be unique.
    llm_id = models.BigIntegerField(_("entry id"), default=0)
    entry = models.CharField(_("entry"), max_length=200, blank=True, default="")
    provider = models.CharField(_("provider"), max_length=64, blank=True, default="")
    model = models.CharField(_("model"), max_length=200, blank=True, default="")
    user = models.CharField(_("user"), max_length=200, blank=True, default="")
    client = models.CharField(_("client key"), max_length=64, blank=True, default="")

    calls = _tokens(_("calls"))
    attempts = _tokens(_("tries"))
    failed = _tokens(_("failed tries"))
    input_tokens = _tokens(_("input tokens"))
    output_tokens = _tokens(_("output tokens"))
    cached_tokens = _tokens(_("cached tokens"))
    cost = models.DecimalField(_("cost"), max_digits=24, decimal_places=10, default=0)
    unpriced = _tokens(_("tries at an unknown price"))
    seconds = models.FloatField(_("seconds"), default=0)

    class Meta:
        db_table = "creative_services_usage_total"
        verbose_name = _("usage total")
        verbose_name_plural = _("usage totals")
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("per", "start", "tier", "llm_id", "entry", "provider", "model", "user", "client"),
                name="usage_total_unique",
            ),
        )

    def __str__(self) -> str:
        return f"{self.per} {self.start:%Y-%m-%d %H:%M} {self.tier} {self.entry}"


class UsageNews(models.Model):
    """An hour that has got rows since it was last summed up. Each hand-over adds its own, so none is overlooked."""

    hour = models.DateTimeField(_("hour"))

    class Meta:
        db_table = "creative_services_usage_news"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:%M}"


class UsageSpool(models.Model):
    """How far a spool file was handed over; changes in the transaction that stores its rows."""

    name = models.CharField(_("name"), max_length=100, primary_key=True)
    last = models.PositiveBigIntegerField(_("last"), default=0)
    seen_at = models.DateTimeField(_("seen at"))

    class Meta:
        db_table = "creative_services_usage_spool"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.last}"
