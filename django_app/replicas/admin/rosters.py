"""What the page shows: the roster read from where the settings say, a row for each replica."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from creative_services.config import environment, setting
from creative_services.core.capabilities import as_text
from creative_services.core.errors import CreativeServicesError
from creative_services.replicas.desk import Desk, Seen, desk_at
from creative_services.replicas.sources import TOKEN_VARIABLE
from django_app.llms import conf

# More rows than this nobody reads, and every one costs the browser on every change.
MOST_ROWS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """One reading; ``trouble`` says why there is none."""

    seen: Sequence[Seen] = ()
    trouble: str = ""

    def shown(self, sought: str) -> list[Seen]:
        """Those in which every sought word occurs, in a steady order."""
        words = sought.lower().split()
        return [each for each in sorted(self.seen, key=_order) if all(word in _text(each) for word in words)]

    def get(self, replica_id: str) -> Seen | None:
        """Who has this id, and is held by a routing service."""
        return next((each for each in self.seen if each.connected and each.replica.id == replica_id), None)


def desk() -> Desk | None:
    """Where replicas report; None when the settings do not say."""
    where = conf.current().replicas
    return desk_at(where, setting(environment(), TOKEN_VARIABLE)) if where else None


def read() -> Roster:
    """Now."""
    try:
        at = desk()
        return Roster(seen=at.read()) if at else Roster()
    except CreativeServicesError as error:
        return Roster(trouble=str(error))


def _order(seen: Seen) -> tuple[str, str]:
    return (abilities(seen)[0] if seen.replica.capabilities else "", seen.replica.id)


def abilities(seen: Seen) -> list[str]:
    """Each capability in a line, the model first."""
    return [_told(capability) for capability in seen.replica.capabilities]


def _told(capability: Mapping[str, Any]) -> str:
    names = sorted(capability, key=lambda name: (name != "model", name))
    return " ".join(f"{name}={as_text(capability[name])}" for name in names) or _("anything")


def _text(seen: Seen) -> str:
    return " ".join((seen.replica.id, seen.replica.endpoint, seen.holder, *abilities(seen))).lower()


def row(seen: Seen, **may: bool) -> str:
    """Its line of the table. The same for the same state, so that a page may leave it alone."""
    latency = None if seen.latency is None else f"{seen.latency * 1000:.0f} ms"
    context = {"seen": seen, "abilities": abilities(seen), "latency": latency, **may}
    return render_to_string("creative_services_replicas/row.html", context)
