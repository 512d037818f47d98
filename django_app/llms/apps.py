"""How Django meets this app."""

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from creative_services.adapters.django_reading import EntrySource


class LlmsConfig(AppConfig):
    """The only line a project needs: ``INSTALLED_APPS = [..., "django_app.llms"]``."""

    name = "django_app.llms"
    label = "creative_services_llms"
    verbose_name = _("Language models")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Only registrations: no query, no thread, no network at start."""
        from django_app.llms import audit, changes, checks, conf

        checks.register_all()
        changes.follow_models(self)
        audit.follow_models(self)
        conf.follow_settings()

    def entry_source(self, alias: str) -> "EntrySource":
        """Where ``DjangoLLMRegistry`` reads the entries of a database."""
        from django_app.llms.source import LlmsSource

        return LlmsSource(alias)
