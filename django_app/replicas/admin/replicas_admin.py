"""The live page, and the addresses of its parts."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from django_app.llms import conf
from django_app.llms.admin.base import Tab, add_tab, screen
from django_app.llms.admin.other_admins import ReadOnly
from django_app.replicas.admin import leaving, rosters, routing
from django_app.replicas.admin.leaving import APP
from django_app.replicas.admin.rosters import MOST_ROWS, Roster
from django_app.replicas.models import Replica

add_tab(Tab("replica_changelist", _("Replicas"), "view_replica", APP))


@admin.register(Replica)
class ReplicaAdmin(ReadOnly):
    """Replicas. There is no table behind them: every page reads the roster."""

    tab = "replica_changelist"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The page."""
        self._require_view(request)
        roster, sought = rosters.read(), request.GET.get("q", "")
        query = request.GET.get("route")
        return screen(
            self.admin_site, request, "live", _("Replicas"), app=APP, tab=self.tab,
            **self._table(request, roster, sought),
            where=conf.current().replicas, changes=conf.current().replicas_changes, sought=sought,
            live_url=f"{reverse(f'admin:{APP}_live')}?{request.GET.urlencode()}",
            query=query or "", verdicts=None if query is None else routing.verdicts(query, roster.seen),
        )  # fmt: skip

    def live_view(self, request: HttpRequest) -> HttpResponse:
        """The same rows for the page's script, which asks every other second."""
        self._require_view(request)
        answer = JsonResponse(self._table(request, rosters.read(), request.GET.get("q", "")))
        answer["Cache-Control"] = "no-store"
        return answer

    def get_urls(self) -> list[URLPattern]:
        """Ours before Django's, whose last one takes everything."""
        view = self.admin_site.admin_view
        acts = [path(f"{name}/", view(self._acting(name)), name=f"{APP}_{name}") for name in leaving.ACTS]
        return [path("live/", view(self.live_view), name=f"{APP}_live"), *acts, *super().get_urls()]

    def _acting(self, name: str) -> Callable[..., HttpResponse]:
        allowed = require_http_methods(("GET", "POST"))
        shown: Callable[..., HttpResponse] = allowed(lambda request: leaving.act(self.admin_site, request, name))
        return shown

    def _table(self, request: HttpRequest, roster: Roster, sought: str) -> dict[str, Any]:
        may = {f"may_{name}": request.user.has_perm(f"{APP}.{act.permission}") for name, act in leaving.ACTS.items()}
        found = roster.shown(sought)
        return {
            "rows": [{"id": _key(seen), "html": rosters.row(seen, **may)} for seen in found[:MOST_ROWS]],
            "told": _told(roster, len(found)),
            "trouble": roster.trouble,
        }

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied


def _key(seen: Any) -> str:
    """Ids of connected replicas and of servers may be the same."""
    return f"{'replica' if seen.connected else 'server'} {seen.replica.id}"


def _told(roster: Roster, found: int) -> str:
    total, draining = len(roster.seen), sum(seen.replica.draining for seen in roster.seen)
    told = ngettext("%(total)d replica", "%(total)d replicas", total) % {"total": total}
    if draining:
        told += _(", %(draining)d draining") % {"draining": draining}
    if found != total or found > MOST_ROWS:
        told += _(", %(shown)d shown") % {"shown": min(found, MOST_ROWS)}
    return told
