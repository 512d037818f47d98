"""The one row that every worker watches."""

from django.utils.translation import gettext_lazy as _

from django_app.llms.revision_row import RevisionRow


class Revision(RevisionRow):
    """That of the entries."""

    class Meta(RevisionRow.Meta):
        db_table = "creative_services_revision"
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
