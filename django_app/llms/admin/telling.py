"""States as words and colours: health, keys, retirement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from django_app.llms import conf
from django_app.llms.admin import figures, words
from django_app.llms.admin.figures import Sums
from django_app.llms.audit import followed
from django_app.llms.keys.reading import read_key
from django_app.llms.keys.written import Kind, kind_of
from django_app.llms.models import Llms, Trial


@dataclass(frozen=True, slots=True)
class Health:
    """How an entry is: from the calls of the last hours, else from its last test."""

    state: str  # good, poor, bad or unknown
    told: str


def healths(llm_ids: list[int]) -> dict[int, Health]:
    """The health of each of these entries, in two queries."""
    recent = figures.sums_by("llm_id", timezone.now() - timedelta(hours=6), llm_id__in=llm_ids)
    trials: Mapping[int, Trial] = Trial.objects.in_bulk(llm_ids)
    return {llm_id: health_of(recent.get(llm_id, figures.NOTHING), trials.get(llm_id)) for llm_id in llm_ids}


def health_of(recent: Sums, trial: Trial | None) -> Health:
    """Calls tell more than a test; a test tells more than nothing."""
    if recent.success is not None:
        state = "good" if recent.success >= 0.95 else "poor" if recent.success >= 0.5 else "bad"
        told = _("%(share)s of %(count)s tries in 6 h went well") % {
            "share": words.share(recent.success, 1), "count": words.count(recent.attempts),
        }  # fmt: skip
        return Health(state, told)
    if trial is None:
        return Health("unknown", _("not asked in the last 6 h, never tested"))
    ago = words.age((timezone.now() - trial.tested_at).total_seconds())
    told = _("test %(age)s ago: %(state)s") % {"age": ago, "state": trial.get_state_display()}
    return Health("good" if trial.state == Trial.State.OK else "bad", told)


@dataclass(frozen=True, slots=True)
class KeyState:
    """Where an entry's key comes from, whether it can be had, and its end."""

    source: str
    kind: str
    hint: str = ""
    trouble: str = ""


def stored_key(row: Llms) -> str:
    """The column's text; nothing for a plain key, which waits in the object to be sealed."""
    return row.api_key if isinstance(row.api_key, str) else ""


def key_of(row: Llms) -> KeyState:
    """The key's state without the key."""
    kind = kind_of(row.api_key)
    shown = row.key_source if kind is not Kind.PLAIN else _("unreadable")
    try:
        key = read_key(stored_key(row), row.pk or 0, owner=str(row))
    except Exception as error:  # noqa: BLE001 - a resolver is somebody else's code; the list must show all the same
        told = str(error) if isinstance(error, ValueError) else type(error).__name__
        return KeyState(shown, kind.value, trouble=told)
    return KeyState(shown, kind.value, hint=key.hint if key else "")


def field_label(name: str) -> str:
    """What the form calls a column."""
    fields = (field for model in followed() for field in model._meta.fields)
    found = next((field for field in fields if field.attname == name), None)
    return str(found.verbose_name) if found else name


def retirement(retires_on: date | None) -> tuple[str, str]:
    """A class and a text for the date a model retires; empty when there is none."""
    if retires_on is None:
        return "", ""
    left = (retires_on - timezone.now().date()).days
    if left <= 0:
        return "bad", _("retired %(date)s") % {"date": retires_on}
    if left <= conf.current().retirement_warning_days:
        return "poor", _("retires in %(days)s") % {"days": words.days(left)}
    return "calm", _("retires %(date)s") % {"date": retires_on}
