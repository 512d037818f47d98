"""``access list``: every key, with what it may do and what it spent."""

from typing import Any, Final

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_app.access import spending
from django_app.access.commands.finding import described
from django_app.access.models import AccessKey
from django_app.llms.commands.task import OK, Task

HELP: Final = gettext_lazy("Show the keys, what they may do and what they spent. Never the keys themselves.")

_HEADS: Final = (
    "key", "owner", "state", "tiers", "scopes", "req/min", "tok/min", "day", "month", "expires", "last used",
)  # fmt: skip


def add_arguments(parser: CommandParser) -> None:
    """Which ones."""
    parser.add_argument("--all", action="store_true", help="those that no longer work too")


def run(task: Task) -> int:
    """Print the table."""
    keys = AccessKey.objects.using(task.using)
    rows = list((keys if task.options["all"] else keys.working()).select_related("user", "use", "successor"))
    spent = spending.spent_by({row.account for row in rows}, task.using)
    found = [
        {**described(row), "spent_today": of.day, "spent_this_month": of.month}
        for row in rows
        for of in [spent.get(row.account, spending.NOTHING)]
    ]
    task.answer(found)
    task.table(_HEADS, map(_line, found))
    if not found:
        task.say(_("No key yet. `manage.py access create OWNER` makes one."))
    return OK


def _line(key: dict[str, Any]) -> list[Any]:
    return [
        key["key"], key["owner"], key["state"], "+".join(key["tiers"]) or "all", "+".join(key["scopes"]) or "all",
        key["requests_per_minute"], key["tokens_per_minute"], _money(key["spent_today"], key["budget_per_day"]),
        _money(key["spent_this_month"], key["budget_per_month"]), _moment(key["expires_at"]),
        _moment(key["last_used_at"]),
    ]  # fmt: skip


def _money(spent: Any, most: Any) -> str:
    return f"{spent:.2f}" if most is None else f"{spent:.2f}/{most:.2f}"


def _moment(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "never"
