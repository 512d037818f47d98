"""What is done once before a site takes requests: its tables, its first administrator, its first entries."""

from collections.abc import Callable
from io import StringIO

from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMTier
from django_app.llms import sources
from django_app.llms.managed import SAME, carry_out, plan
from django_app.llms.models import Llms
from django_app.project import administrators, demo
from django_app.project.turns import alone

Say = Callable[[str], None]


def prepare(say: Say, *, with_demo: bool) -> None:
    """All but the administrator, whose password is told when nothing can fail any more."""
    reach()
    try:
        with alone():
            migrate(say)
            administrators.refuse_weak_password()
            entries(say, with_demo=with_demo)
    except DatabaseError as error:
        raise ConfigurationError(f"The database cannot be prepared: {_first_line(error)}. {_where()}") from error


def reach() -> None:
    """The database answers."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        raise ConfigurationError(f"The database cannot be reached: {_first_line(error)}. {_where()}") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _where() -> str:
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"It is the file {settings['NAME']}."
    return f"DATABASE_URL names {settings['NAME']} at {settings['HOST'] or 'localhost'}; is it running?"


def migrate(say: Say) -> None:
    """Bring the tables up to date, and say what is being done."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not missing:
        return
    say(f"Preparing the database: {len(missing)} migrations ...")
    call_command("migrate", verbosity=0, interactive=False, stdout=StringIO())
    say("The database is ready.")


def first_tier() -> str | None:
    """A tier that would be answered, the cheapest first. Whether an Ollama runs here is another question."""
    active = set(Llms.objects.filter(is_active=True).exclude(provider="ollama").values_list("tier", flat=True))
    return next((tier.value for tier in LLMTier if tier in active), None)


def entries(say: Say, *, with_demo: bool) -> None:
    """Those of the environment, and the demo's where a tier has none."""
    changes = plan(sources.from_environment(), sources.ENVIRONMENT, "default")
    carry_out(changes, "default")
    if changed := sum(change.kind != SAME for change in changes):
        say(f"Entries taken from the environment: {changed}.")
    demo.step_aside()
    if with_demo and (added := demo.add()):
        say(f"Demo entries added: {', '.join(row.name for row in added)}.")
