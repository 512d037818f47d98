"""What every table of one watched row has in common. Not among the models: those of other apps must not load ours."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RevisionRow(models.Model):
    """What a trigger writes in the transaction of every change of a table, so raw SQL is followed too."""

    THE_ONE = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=THE_ONE, editable=False)
    number = models.PositiveBigIntegerField(_("number"), default=0)
    # A restored backup or a rolled back test can bring the same number with other rows; not the same token.
    token = models.BigIntegerField(_("token"), default=0)
    changed_at = models.DateTimeField(_("changed at"), null=True)

    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return f"v{self.number}"
