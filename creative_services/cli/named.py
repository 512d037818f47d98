"""Commands that live elsewhere: found by name, and loaded when they are asked for.

Ours need more than the command line does; another package adds its own with an entry point in the group
``creative_services.commands`` whose value is a function with typer's annotations.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import typer

from creative_services.cli.politeness import PoliteGroup
from creative_services.core.errors import ConfigurationError

GROUP: Final = "creative_services.commands"
# Not an entry point of our own: a source tree that is not installed has none.
OURS: Final[Mapping[str, str]] = {"up": "django_app.project.up:up"}


class NamedCommands(PoliteGroup):
    """The commands of this package, and those found by name."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name."""
        return [*super().list_commands(ctx), *(name for name in _loaders() if name not in self.commands)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, or None."""
        found = super().get_command(ctx, cmd_name)
        if found is None and (load := _loaders().get(cmd_name)) is not None:
            found = self.commands[cmd_name] = _command(cmd_name, load)
        return found


def _loaders() -> dict[str, Callable[[], Any]]:
    theirs = {point.name: _loader(point) for point in entry_points(group=GROUP)}
    return {**theirs, **{name: _our_loader(where) for name, where in OURS.items()}}


def _our_loader(where: str) -> Callable[[], Any]:
    module, _, name = where.partition(":")
    return lambda: getattr(import_module(module), name)


def _loader(point: EntryPoint) -> Callable[[], Any]:
    def load() -> Any:
        try:
            return point.load()
        except (ImportError, AttributeError) as error:
            return _excuse(f"The command {point.name!r} ({point.value}) cannot be loaded: {error}.")

    return load


def _excuse(why: str) -> Callable[[], None]:
    """Stands in for a command that cannot be had: it is listed, and says why when it is asked for."""

    def excuse() -> None:
        raise ConfigurationError(why)

    excuse.__doc__ = why
    return excuse


def _command(name: str, load: Callable[[], Any]) -> Any:
    made = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    made.command(name, context_settings={"help_option_names": ["-h", "--help"]})(load())
    return typer.main.get_command(made)
