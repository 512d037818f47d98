"""System checks with stable ids.

Those of the settings run at every start, those of the entries with ``check --database default`` (and at ``migrate``),
those of dangers in production with ``check --deploy``.
"""

from django.core.checks import Tags, register

from django_app.llms.checks import deployment, entries, prices, settings


def register_all() -> None:
    """Called once, from ``ready()``."""
    for check in settings.CHECKS:
        register(check, Tags.compatibility)
    for check in (*entries.CHECKS, *prices.CHECKS):
        register(check, Tags.database)
    for check in deployment.CHECKS:
        register(check, Tags.security, deploy=True)
    for check in deployment.DATABASE_CHECKS:
        register(check, Tags.database, deploy=True)
