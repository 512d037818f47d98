"""How Django meets this app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReplicasConfig(AppConfig):
    """Needs the entries' app: ``INSTALLED_APPS += ["django_app.llms", "django_app.replicas"]``."""

    name = "django_app.replicas"
    label = "creative_services_replicas"
    verbose_name = _("Replicas")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Only a registration."""
        from django_app.replicas import checks

        checks.register_all()
