"""What the code really reads and serves, found by asking it: variables, options, paths."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import typer.main

from creative_services.cli.app import app
from creative_services.llms.dict_registry import DictRegistry
from creative_services.server.access.keys import keys_from
from creative_services.server.operations.pages import Operations
from creative_services.server.operations.tallies import Tallies
from creative_services.server.settings import Settings
from django_app.project.site import Site
from tests.deploy.files import ROOT


class Asked(Mapping[str, str]):
    """An environment that holds one thing, and remembers every name it was asked for."""

    def __init__(self, **known: str) -> None:
        self._known = known
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


@cache
def variables() -> frozenset[str]:
    """Every variable that `serve` or `up` asks for."""
    asked = Asked()
    for reader in (Settings.from_env, DictRegistry.from_env, keys_from, Site.from_env):
        reader(asked)
    # Some are asked for only once a database is there; they are constants of the site, whichever module has them.
    site = "\n".join(path.read_text() for path in (ROOT / "django_app/project").glob("*.py"))
    return frozenset(asked.names | set(re.findall(r': Final = "(CREATIVE_SERVICES_\w+)"', site)))


def parsed(words: list[str]) -> Any:
    """A command line's parameters; raises what a user would be told."""
    group = typer.main.get_command(app)
    context = group.make_context("creative-services", list(words[:1]), resilient_parsing=True)
    command = group.get_command(context, words[0])
    assert command is not None, f"there is no command {words[0]}"
    return command.make_context(words[0], list(words[1:]), parent=context).params


def serves(path: str) -> bool:
    """Whether a gateway answers there about itself."""
    return Operations(doubts=dict, tallies=Tallies, gauges=dict).reply(path) is not None
