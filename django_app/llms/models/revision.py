"""The one row that every worker watches."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Revision(models.Model):
    """Changes in the transaction of every change of an entry; a trigger writes it, so raw SQL is followed too."""

    THE_ONE = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=THE_ONE, editable=False)
    number = models.PositiveBigIntegerField(_("number"), default=0)
    # A restored backup or a rolled back test can bring the same number with other entries; not the same token.
    token = models.BigIntegerField(_("token"), default=0)
    changed_at = models.DateTimeField(_("changed at"), null=True)

    class Meta:
        db_table = "creative_services_revision"
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        default_permissions = ()

    def __str__(self) -> str:
        return f"v{self.number}"
