"""Every entry an environment asks for: the defaults of the vendors it has keys for, and those of its own file."""

from collections.abc import Iterable, Mapping
from datetime import date

from creative_services.catalog.announcements import tell_notices
from creative_services.catalog.default_entries import default_entries
from creative_services.catalog.entry_file import Written, entries_in
from creative_services.config import config_path
from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMEntry


def entries_of(environ: Mapping[str, str], today: date) -> tuple[LLMEntry, ...]:
    """The entries, with what people should know about their models said in the log."""
    path = config_path(environ)
    entries = _joined(default_entries(environ, today), entries_in(path, environ, today) if path else ())
    tell_notices(entries, today)
    return entries


def _joined(defaults: Iterable[LLMEntry], written: Iterable[Written]) -> tuple[LLMEntry, ...]:
    joined = {entry.id: entry for entry in defaults}
    taken: dict[int, LLMEntry] = {}
    for row in written:
        entry = row.entry
        holder = taken.get(entry.id) or (None if row.replaces else joined.get(entry.id))
        if holder is not None:
            raise ConfigurationError(
                f"Two entries have the id {entry.id}: {holder} and {entry}. "
                "Choose another id, or write `replaces = true` to put an entry of the file in a default's place."
            )
        joined[entry.id] = taken[entry.id] = entry
    return tuple(joined.values())
