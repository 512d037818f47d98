"""``access create``: a new key, printed once."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creative_services.core.access import KeyScope
from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMTier
from django_app.access import issuing
from django_app.access.commands.telling import tell
from django_app.llms.commands.task import Task

HELP: Final = gettext_lazy("Make a key and print it. It is shown this once.")

_LIMITS: Final = ("requests_per_minute", "tokens_per_minute", "budget_per_day", "budget_per_month")


def add_arguments(parser: CommandParser) -> None:
    """Whose it is, and what it may do."""
    parser.add_argument("owner", help="the service, team or person that uses it")
    parser.add_argument("--user", help="the user name of who answers for it")
    parser.add_argument("--note", default="", help="anything worth remembering")
    tiers = [tier.value for tier in LLMTier]
    parser.add_argument("--tier", action="append", default=[], choices=tiers, help="again for each; none: every tier")
    scopes = [scope.value for scope in KeyScope]
    parser.add_argument("--scope", action="append", default=[], choices=scopes, help="again for each; none: everything")
    for name in _LIMITS:
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="NUMBER", help="none: no limit")
    parser.add_argument("--expires", metavar="WHEN", help="30d, 12h or 2027-01-31; none: never")


def run(task: Task) -> int:
    """Make it."""
    options = task.options
    issued = issuing.issue(
        task.using,
        owner=options["owner"],
        user=_user(options["user"], task.using),
        note=options["note"],
        tiers=options["tier"],
        scopes=options["scope"],
        expires_at=_end(options["expires"]),
        **{name: options[name] for name in _LIMITS if options[name] is not None},
    )
    issued.row.refresh_from_db()  # what was written as text, as the database has it
    return tell(task, issued)


def _user(name: str | None, using: str) -> Any:
    if name is None:
        return None
    users = get_user_model()
    if (found := users._default_manager.using(using).filter(**{users.USERNAME_FIELD: name}).first()) is None:
        raise ConfigurationError(_("There is no user %(name)s here.") % {"name": name})
    return found


def _end(written: str | None) -> datetime | None:
    if written is None:
        return None
    units = {"d": timedelta(days=1), "h": timedelta(hours=1)}
    try:
        if written[-1:] in units and written[:-1].isdecimal():
            end = timezone.now() + int(written[:-1]) * units[written[-1]]
        else:
            end = datetime.fromisoformat(written)
            end = end if end.tzinfo else end.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ConfigurationError(
            _("--expires %(written)s cannot be read. Write 30d, 12h, or a date such as 2027-01-31.")
            % {"written": written}
        ) from None
    if end <= timezone.now():
        raise ConfigurationError(_("--expires %(written)s is over already.") % {"written": written})
    return end
