"""How Django meets the site."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """What holds the pieces together."""

    name = "django_app.project"
    label = "creative_services_project"

    def ready(self) -> None:
        """Only a registration."""
        from django_app.project import demo

        demo.follow_entries()
