"""A management command that is a list of subcommands."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from creative_services.core.errors import CreativeServicesError
from django_app.llms.commands.task import Subcommand, Task


class Dispatching(BaseCommand):
    """Dispatches to the rooms of a package of subcommands."""

    default_database: Callable[[], str]  # where to work without --database
    subcommands: ClassVar[Mapping[str, Subcommand]] = {}
    rehearsed: ClassVar[tuple[str, ...]] = ()  # those that take --dry-run

    def add_arguments(self, parser: CommandParser) -> None:
        """One parser for each subcommand."""
        subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
        for name, module in self.subcommands.items():
            own = subparsers.add_parser(name, help=str(module.HELP), description=str(module.HELP))
            own.add_argument("--json", action="store_true", dest="as_json", help="answer for programs")
            own.add_argument("--database", help="another database than the default one")
            if name in self.rehearsed:
                own.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
            module.add_arguments(own)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run it; a failure is told in one sentence and in the exit code."""
        task = Task(
            using=options.get("database") or self.default_database(),
            out=self.stdout,
            progress=self.stderr,
            as_json=options["as_json"],
            dry_run=options.get("dry_run", False),
            options=options,
        )
        try:
            code = self.subcommands[options["subcommand"]].run(task)
        except CreativeServicesError as error:
            raise CommandError(str(error)) from error
        if code:
            raise SystemExit(code)
