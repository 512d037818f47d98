"""Drain, take that back, and evict: each asked first, with what nobody could do any more, and kept in the history."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creative_services.core.errors import CreativeServicesError
from creative_services.core.replicas import losses
from creative_services.replicas.desk import Desk, Seen
from django_app.llms.admin.base import screen
from django_app.llms.models import AuditEvent
from django_app.replicas.admin import rosters

APP: Final = "creative_services_replicas"
LIST: Final = f"admin:{APP}_replica_changelist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One of the three."""

    permission: str
    title: Any
    button: Any
    told: Any
    do: Callable[[Desk, str], bool]
    takes_away: bool = True


ACTS: Final = {
    "drain": Act(
        permission="drain_replica",
        title=gettext_lazy("Drain a replica"),
        button=gettext_lazy("Drain"),
        told=gettext_lazy("Drained: %(id)s. What it is doing may end in peace."),
        do=lambda desk, replica_id: desk.drain(replica_id),
    ),
    "resume": Act(
        permission="drain_replica",
        title=gettext_lazy("Ask a replica again"),
        button=gettext_lazy("Ask it again"),
        told=gettext_lazy("Asked again: %(id)s."),
        do=lambda desk, replica_id: desk.drain(replica_id, draining=False),
        takes_away=False,
    ),
    "evict": Act(
        permission="evict_replica",
        title=gettext_lazy("Evict a replica"),
        button=gettext_lazy("Evict"),
        told=gettext_lazy("Evicted: %(id)s. It was told so."),
        do=lambda desk, replica_id: desk.evict(replica_id),
    ),
}


def act(site: admin.AdminSite, request: HttpRequest, name: str) -> HttpResponse:
    """The question, and the deed."""
    chosen = ACTS[name]
    if not request.user.has_perm(f"{APP}.{chosen.permission}"):
        raise PermissionDenied
    replica_id = (request.POST if request.method == "POST" else request.GET).get("id", "")
    roster = rosters.read()
    seen = roster.get(replica_id)
    if seen is None:
        why = roster.trouble or _("No replica %(id)s is connected any more.") % {"id": replica_id}
        messages.warning(request, why)
        return HttpResponseRedirect(reverse(LIST))
    if request.method == "POST":
        return _done(request, chosen, name, seen)
    lost = losses(seen.replica, [each.replica for each in roster.seen]) if chosen.takes_away else []
    return screen(
        site, request, "leaving", chosen.title, app=APP, tab="replica_changelist", act=name, button=chosen.button,
        seen=seen, abilities=rosters.abilities(seen), lost=lost, takes_away=chosen.takes_away,
    )  # fmt: skip


def _done(request: HttpRequest, chosen: Act, name: str, seen: Seen) -> HttpResponse:
    desk, replica_id = rosters.desk(), seen.replica.id
    try:
        done = desk is not None and chosen.do(desk, replica_id)
    except CreativeServicesError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse(LIST))
    if done:
        _note(request, name, seen)
        messages.success(request, chosen.told % {"id": replica_id})
    else:
        messages.warning(request, _("No replica %(id)s is connected any more.") % {"id": replica_id})
    return HttpResponseRedirect(reverse(LIST))


def _note(request: HttpRequest, name: str, seen: Seen) -> None:
    changes = {} if name == "evict" else {"draining": [seen.replica.draining, name == "drain"]}
    AuditEvent.objects.create(
        actor=cast("Any", request.user),  # somebody with a permission is nobody anonymous
        actor_name=request.user.get_username(),
        action=AuditEvent.Action.DELETED if name == "evict" else AuditEvent.Action.CHANGED,
        llm_id=0,  # no entry's
        entry=f"replica {seen.replica.id}"[:300],
        changes=changes,
        after={"endpoint": seen.replica.endpoint, "capabilities": rosters.abilities(seen)},
        reason=request.POST.get("reason", "").strip()[:200],
    )
