"""What the admin remembers beside the entries: who changed what, the last test of each entry, the workers."""

from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditQuerySet(models.QuerySet["AuditEvent", "AuditEvent"]):
    """Events are only ever added."""

    def update(self, **_values: Any) -> NoReturn:
        """Refused."""
        raise ValidationError(_("The history is append-only."))

    def delete(self) -> NoReturn:
        """Refused."""
        raise ValidationError(_("The history is append-only."))


class AuditEvent(models.Model):
    """One change of one entry: who, what, before and after. API keys are never in it."""

    class Action(models.TextChoices):
        """What was done."""

        CREATED = "created", _("created")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")

    at = models.DateTimeField(_("at"), auto_now_add=True, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
    )
    actor_name = models.CharField(_("by"), max_length=200, blank=True, default="")
    action = models.CharField(_("action"), max_length=16, choices=Action.choices)
    llm_id = models.BigIntegerField(_("entry id"), db_index=True)
    entry = models.CharField(_("entry"), max_length=300)
    changes = models.JSONField(_("changes"), default=dict)
    after = models.JSONField(_("state after it"), default=dict)
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")

    objects = AuditQuerySet.as_manager()

    class Meta:
        db_table = "creative_services_audit"
        verbose_name = _("change")
        verbose_name_plural = _("history")
        default_permissions = ("view",)
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.entry} {self.get_action_display()}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Only once."""
        if not self._state.adding:
            raise ValidationError(_("The history is append-only."))
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refused."""
        raise ValidationError(_("The history is append-only."))


class Trial(models.Model):
    """How the last test of an entry ended."""

    class State(models.TextChoices):
        """What the test says of key and endpoint."""

        OK = "ok", _("works")
        INVALID = "invalid", _("key refused")
        ERROR = "error", _("fails")

    llm_id = models.BigIntegerField(_("entry id"), primary_key=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices)
    detail = models.CharField(_("detail"), max_length=500, blank=True, default="")
    steps = models.JSONField(_("steps"), default=list)
    tested_at = models.DateTimeField(_("tested at"))

    class Meta:
        db_table = "creative_services_trial"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.llm_id}: {self.state}"


class Worker(models.Model):
    """A process that follows the entries, and which state of them it sees."""

    name = models.CharField(_("process"), max_length=100, primary_key=True)
    revision = models.PositiveBigIntegerField(_("revision"), default=0)
    token = models.BigIntegerField(_("token"), default=0)
    stale_for = models.FloatField(_("age of its state in seconds"), default=0)
    waiting = models.PositiveBigIntegerField(_("usage rows to store"), default=0)
    started_at = models.DateTimeField(_("started at"))
    seen_at = models.DateTimeField(_("seen at"), db_index=True)

    class Meta:
        db_table = "creative_services_worker"
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} v{self.revision}"
