"""How Django meets this app."""

from typing import TYPE_CHECKING

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from creative_services.adapters.django_keys import KeySource


class AccessConfig(AppConfig):
    """Needs the entries' app: ``INSTALLED_APPS += ["django_app.llms", "django_app.access"]``."""

    name = "django_app.access"
    label = "creative_services_access"
    verbose_name = _("Gateway keys")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Only registrations: no query, no thread, no network at start."""
        from django_app.access import checks

        checks.register_all()
        # Without it our models have no history and no usage to stand on; E008 says so, and nothing else should fail.
        if apps.is_installed("django_app.llms"):
            from django_app.access import changes, uses

            changes.follow_models(self)
            uses.follow_usage()

    def key_source(self, alias: str) -> "KeySource":
        """Where ``DjangoKeys`` reads the keys of a database."""
        from django_app.access.source import AccessKeySource

        return AccessKeySource(alias)
