"""What changes beside a key: the revision that gateways watch, and when a key was last used."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_app.llms.revision_row import RevisionRow


class KeyRevision(RevisionRow):
    """That of the keys."""

    class Meta(RevisionRow.Meta):
        db_table = "creative_services_access_revision"
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")


class KeyUse(models.Model):
    """The last call with a key. Apart from the key: no call may wake the gateways as an edit does."""

    key = models.OneToOneField(
        "creative_services_access.AccessKey", on_delete=models.CASCADE, primary_key=True, related_name="use"
    )
    at = models.DateTimeField(_("last used"))

    class Meta:
        db_table = "creative_services_access_use"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.key_id} {self.at:%Y-%m-%d %H:%M}"
