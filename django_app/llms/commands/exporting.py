"""``llms export``: the rows as a file that ``llms apply`` and ``CREATIVE_SERVICES_CONFIG`` read."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_app.llms.commands.task import OK, Task
from django_app.llms.keys.written import Kind, kind_of
from django_app.llms.models import Llms

HELP: Final = gettext_lazy("Write every entry as TOML. Keys given by reference are named; sealed keys stay behind.")


def add_arguments(parser: CommandParser) -> None:
    """Where to."""
    parser.add_argument("--output", type=Path, help="a file, instead of the screen")


def run(task: Task) -> int:
    """Write them."""
    entries = [exported(row) for row in Llms.objects.using(task.using).order_by("pk")]
    task.answer({"entries": entries})
    if path := task.options["output"]:
        path.write_text(toml(entries), encoding="utf-8")
        task.say(_("%(count)s entries written to %(path)s.") % {"count": len(entries), "path": path})
    else:
        task.say(toml(entries).rstrip("\n"))
    return OK


def exported(row: Llms) -> dict[str, Any]:
    """The row as a file writes it; without what is empty, and without any key."""
    fields: dict[str, Any] = {
        "id": row.pk,
        "name": row.name,
        "provider": row.provider,
        "model": row.model_name,
        "tier": row.tier,
        "api_endpoint": row.api_endpoint or None,
        "max_tokens": row.max_tokens,
        "temperature": row.temperature,
        "cost_per_1k_input": _price(row.cost_per_1k_input),
        "cost_per_1k_output": _price(row.cost_per_1k_output),
        "is_active": row.is_active,
        "capabilities": row.capabilities,
        "context_window": row.context_window,
        "retires_on": row.retires_on,
        "successor": row.successor or None,
        "options": row.options or None,
    }
    if kind_of(row.api_key) in (Kind.NONE, Kind.REFERENCE):
        fields["api_key"] = row.api_key
    return {name: value for name, value in fields.items() if value is not None}


def _price(price: Decimal | None) -> Decimal | None:
    # Fixed-point: 5E-7 is a number to TOML too, but not to people.
    return None if price is None else Decimal(f"{price.normalize():f}")


def toml(entries: list[dict[str, Any]]) -> str:
    """The whole file."""
    return "\n".join("\n".join(["[[entries]]", *_lines(entry), ""]) for entry in entries)


def _lines(entry: dict[str, Any]) -> Iterator[str]:
    for name, value in entry.items():
        yield f"{name} = {_literal(value)}"
    if "api_key" not in entry:
        yield "# Its API key is sealed in the database, and stays there."


def _literal(value: Any) -> str:
    match value:
        case Decimal():
            return f"{value:f}" if value.as_tuple().exponent else f"{value:f}.0"
        case date():
            return value.isoformat()
        case list():
            return f"[{', '.join(map(_literal, value))}]"
        case dict():
            # TOML has no null: what is null is left out.
            pairs = (f"{json.dumps(key)} = {_literal(each)}" for key, each in value.items() if each is not None)
            return f"{{ {', '.join(pairs)} }}"
    # Text, numbers and booleans are written as in JSON.
    return json.dumps(value, ensure_ascii=False)
