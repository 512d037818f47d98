"""``manage.py llms``: everything about language models that needs no browser."""

from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from creative_services.adapters.django_feed import default_database
from creative_services.core.errors import CreativeServicesError
from django_app.llms.commands import (
    applying,
    explaining,
    exporting,
    listing,
    making_keys,
    pruning,
    rotating,
    syncing,
    trying,
    verifying,
)
from django_app.llms.commands.task import Subcommand, Task

SUBCOMMANDS: Final[dict[str, Subcommand]] = {
    "list": listing,
    "explain": explaining,
    "test": trying,
    "sync_env": syncing,
    "export": exporting,
    "apply": applying,
    "prune": pruning,
    "verify": verifying,
    "rotate_secrets": rotating,
    "new_key": making_keys,
}
# Those that write.
_CHANGING: Final = ("sync_env", "apply", "prune", "rotate_secrets")


class Command(BaseCommand):
    """Dispatches to the rooms of ``django_app.llms.commands``."""

    help = "List, explain, test, exchange and check language models."

    def add_arguments(self, parser: CommandParser) -> None:
        """One parser for each subcommand."""
        subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
        for name, module in SUBCOMMANDS.items():
            own = subparsers.add_parser(name, help=str(module.HELP), description=str(module.HELP))
            own.add_argument("--json", action="store_true", dest="as_json", help="answer for programs")
            own.add_argument("--database", help="another database than the default one of the entries")
            if name in _CHANGING:
                own.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
            module.add_arguments(own)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run it; a failure is told in one sentence and in the exit code."""
        task = Task(
            using=options.get("database") or default_database(),
            out=self.stdout,
            progress=self.stderr,
            as_json=options["as_json"],
            dry_run=options.get("dry_run", False),
            options=options,
        )
        try:
            code = SUBCOMMANDS[options["subcommand"]].run(task)
        except CreativeServicesError as error:
            raise CommandError(str(error)) from error
        if code:
            raise SystemExit(code)
