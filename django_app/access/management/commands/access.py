"""``manage.py access``: the keys of a gateway without a browser."""

from typing import Final

from creative_services.adapters.django_keys import default_database
from django_app.access.commands import creating, listing, revoking, rotating
from django_app.llms.commands.dispatching import Dispatching
from django_app.llms.commands.task import Subcommand

SUBCOMMANDS: Final[dict[str, Subcommand]] = {
    "list": listing,
    "create": creating,
    "revoke": revoking,
    "rotate": rotating,
}


class Command(Dispatching):
    """Dispatches to the rooms of ``django_app.access.commands``."""

    help = "List, create, revoke and rotate the keys of a gateway."
    subcommands = SUBCOMMANDS
    rehearsed = ("revoke", "rotate")
    default_database = staticmethod(default_database)
