"""System checks of this app; their ids go on where those of the keys end."""

from typing import Any, Final

from django.apps import apps
from django.core import checks
from django.utils.translation import gettext as _

ID: Final = "creative_services"


def register_all() -> None:
    """Called once, from ``ready()``."""
    checks.register(entries_app, checks.Tags.compatibility)


def entries_app(**_options: Any) -> list[checks.CheckMessage]:
    """E009: the app this one stands on is missing."""
    if apps.is_installed("django_app.llms"):
        return []
    return [
        checks.Error(
            _("django_app.replicas needs django_app.llms, which keeps its history."),
            hint='INSTALLED_APPS += ["django_app.llms", "django_app.replicas"]',
            id=f"{ID}.E009",
        )
    ]
