"""Permissions need a model to hang on. Replicas live where they report, never in a table."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Replica(models.Model):
    """A server that answers for a model of yours."""

    class Meta:
        managed = False
        verbose_name = _("replica")
        verbose_name_plural = _("replicas")
        default_permissions = ("view",)
        permissions = (
            ("drain_replica", _("Can drain a replica, and take that back")),
            ("evict_replica", _("Can evict a replica")),
        )

    def __str__(self) -> str:
        return "replica"
