"""``manage.py llms``: everything about language models that needs no browser."""

from typing import Final

from creative_services.adapters.django_feed import default_database
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
from django_app.llms.commands.dispatching import Dispatching
from django_app.llms.commands.task import Subcommand

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


class Command(Dispatching):
    """Dispatches to the rooms of ``django_app.llms.commands``."""

    help = "List, explain, test, exchange and check language models."
    subcommands = SUBCOMMANDS
    rehearsed = _CHANGING
    default_database = staticmethod(default_database)
