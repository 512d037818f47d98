"""One key of the gateway: whose it is, and what it may do. The key itself is nowhere."""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import models, router, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_app.access import key_text
from django_app.access.models import rules
from django_app.access.models.queryset import AccessKeyQuerySet

# What all keys of an account have in common: a rotated key must not bring a second budget.
SHARED: Final = (
    "owner", "user_id", "tiers", "scopes", "requests_per_minute", "tokens_per_minute", "budget_per_day",
    "budget_per_month",
)  # fmt: skip


class AccessKey(models.Model):
    """What one key may do. An old key and its successor share an account: limits, budget and usage go on."""

    class State(models.TextChoices):
        """Whether a gateway lets it in."""

        WORKS = "works", _("works")
        OFF = "off", _("switched off")
        EXPIRED = "expired", _("expired")
        REVOKED = "revoked", _("revoked")

    key_id = models.CharField(_("key"), max_length=8, unique=True, default=key_text.new_id, editable=False)
    account = models.CharField(_("account"), max_length=8, db_index=True, editable=False)
    digest = models.CharField(_("digest"), max_length=rules.DIGEST_LENGTH, unique=True, editable=False)
    owner = models.CharField(_("owner"), max_length=200, help_text=_("The service, team or person that uses it."))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Who answers for it, if they have an account here."),
    )
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    tiers = models.JSONField(
        _("tiers"), blank=True, default=list, validators=[rules.only_tiers], help_text=_("None chosen: every tier.")
    )
    scopes = models.JSONField(
        _("scopes"), blank=True, default=list, validators=[rules.only_scopes], help_text=_("None chosen: everything.")
    )
    requests_per_minute = rules.per_minute(_("requests per minute"))
    tokens_per_minute = rules.per_minute(_("tokens per minute"))
    budget_per_day = rules.budget(_("budget per day"))
    budget_per_month = rules.budget(_("budget per month"))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True, help_text=_("Empty: never."))
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Switched off, it can be switched on again.")
    )
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)
    revoked_by = models.CharField(_("revoked by"), max_length=200, blank=True, default="", editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True, db_default=Now())
    created_by = models.CharField(_("created by"), max_length=200, blank=True, default="", editable=False)
    successor = models.OneToOneField(
        "self",
        verbose_name=_("replaced by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="predecessor",
        editable=False,
    )

    objects = AccessKeyQuerySet.as_manager()

    class Meta:
        db_table = "creative_services_access_key"
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("owner", "-id")
        constraints = rules.CONSTRAINTS
        permissions = (
            ("revoke_accesskey", "Can revoke an API key"),
            ("rotate_accesskey", "Can rotate an API key"),
        )

    def __str__(self) -> str:
        return f"{self.shown} ({self.owner})"

    @property
    def shown(self) -> str:
        """How the key is called in public."""
        return key_text.shown(self.key_id)

    @property
    def audited_as(self) -> tuple[int, str]:
        """No entry's id, and the name of the key in the history."""
        return 0, f"key {self.key_id} ({self.owner})"

    @property
    def state(self) -> State:
        """Whether a gateway lets it in now."""
        if self.revoked_at is not None:
            return self.State.REVOKED
        if self.expired(timezone.now()):
            return self.State.EXPIRED
        return self.State.WORKS if self.is_active else self.State.OFF

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now

    @property
    def last_used_at(self) -> datetime | None:
        """When a call with it was last written down."""
        use = getattr(self, "use", None)
        return use.at if use else None

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and let the other keys of the account have the same limits."""
        self.account = self.account or self.key_id
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using):
            super().save(*args, **kwargs)
            others = AccessKey.objects.using(using).filter(account=self.account, revoked_at=None).exclude(pk=self.pk)
            if others.exists():
                others.update(**{name: getattr(self, name) for name in SHARED})
