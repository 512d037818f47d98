"""Entries that code manages: what a source wants, compared with what the table has, and brought in line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.management.color import no_style
from django.db import connections, transaction

from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMEntry
from django_app.llms.keys.reading import read_key
from django_app.llms.keys.written import Kind, kind_of
from django_app.llms.models import Llms

CREATE, UPDATE, SAME, DELETE, KEPT = "create", "update", "same", "delete", "kept"
_IDENTITY: Final = ("provider", "model_name", "api_endpoint", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One entry as its source writes it."""

    id: int
    source: str
    fields: Mapping[str, Any]

    @property
    def mark(self) -> str:
        """What the row remembers of where it comes from."""
        return f"{self.source}#{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one row, and to which of its fields."""

    kind: str
    row: Llms
    wanted: Wanted | None = None
    fields: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        what = f" ({', '.join(self.fields)})" if self.kind == UPDATE else ""
        return f"{self.kind:6} {self.row}{what}"


def wanted_of(entry: LLMEntry, source: str, **more: Any) -> Wanted:
    """What an entry says about its row. Its key is the text to be stored: a reference, or one to be sealed."""
    fields = {
        "name": entry.name,
        "provider": entry.provider,
        "model_name": entry.model,
        "tier": entry.tier.value,
        "api_key": entry.api_key.reveal() if entry.api_key else "",
        "api_endpoint": entry.api_endpoint or "",
        "max_tokens": entry.max_tokens,
        "temperature": entry.temperature,
        "cost_per_1k_input": entry.cost_per_1k_input,
        "cost_per_1k_output": entry.cost_per_1k_output,
        "capabilities": sorted(entry.capabilities),
        "context_window": entry.context_window,
        "retires_on": entry.retires_on,
        "successor": entry.successor or "",
        **more,
    }
    return Wanted(id=entry.id, source=source, fields=fields)


def plan(wanted: Iterable[Wanted], source: str, using: str, *, prune: bool = False) -> list[Change]:
    """What would have to happen; nothing does yet."""
    rows = list(Llms.objects.using(using))
    wished = list(wanted)
    changes = [_change(each, rows) for each in wished]
    return [*changes, *(_unwanted(rows, wished, source) if prune else ())]


def _change(wanted: Wanted, rows: list[Llms]) -> Change:
    row = next((row for row in rows if row.managed_source == wanted.mark), None)
    if row is None:
        return _new(wanted, rows)
    changed = tuple(name for name, value in wanted.fields.items() if not _same(row, name, value))
    return Change(kind=UPDATE if changed else SAME, row=row, wanted=wanted, fields=changed)


def _new(wanted: Wanted, rows: list[Llms]) -> Change:
    identity = [wanted.fields[name] for name in _IDENTITY]
    twin = next((row for row in rows if [getattr(row, name) for name in _IDENTITY] == identity), None)
    if twin is not None:
        return Change(kind=KEPT, row=twin, wanted=wanted)
    taken = any(row.pk == wanted.id for row in rows)
    row = Llms(managed_by=Llms.ManagedBy.CODE, managed_source=wanted.mark, **wanted.fields)
    # The id of the source where it is free, so that llm_id=2 means the same with and without a database.
    row.pk = None if taken else wanted.id  # None asks the database for one
    return Change(kind=CREATE, row=row, wanted=wanted)


def _same(row: Llms, name: str, value: Any) -> bool:
    stored = getattr(row, name)
    if name != "api_key" or kind_of(value) is not Kind.PLAIN or kind_of(stored) is not Kind.SEALED:
        return bool(stored == value)
    try:
        key = read_key(stored, row.pk, owner=str(row))
    except ConfigurationError:
        return False  # it does not open: sealing it again is the cure
    return key is not None and key.reveal() == value


def _unwanted(rows: list[Llms], wanted: list[Wanted], source: str) -> Iterator[Change]:
    marks = {each.mark for each in wanted}
    for row in rows:
        if row.managed_source.startswith(f"{source}#") and row.managed_source not in marks:
            yield Change(kind=DELETE, row=row)


def carry_out(changes: Sequence[Change], using: str) -> None:
    """All of it in one transaction, so that workers see one step."""
    created = [change.row for change in changes if change.kind == CREATE]
    with transaction.atomic(using=using):
        for change in changes:
            if change.kind == DELETE:
                change.row.delete(using=using)
            elif change.kind == UPDATE:
                _update(change, using)
        # Those with an id of their own first, or the database might give it to one that has none.
        for rows in ([row for row in created if row.pk is not None], [row for row in created if row.pk is None]):
            for row in rows:
                row.save(using=using, force_insert=True)
            _continue_ids(using)


def _update(change: Change, using: str) -> None:
    for name in change.fields:
        setattr(change.row, name, change.wanted.fields[name] if change.wanted else None)
    change.row.save(using=using)


def _continue_ids(using: str) -> None:
    # PostgreSQL does not notice ids that were given, and would hand them out a second time.
    connection = connections[using]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Llms]):
            cursor.execute(statement)
