"""The entries in the admin: list, form, and the addresses of all our screens."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from django_app.llms.admin import board, costs, impact, listing, overview, playground, providers, trying
from django_app.llms.admin.actions import ACTIONS
from django_app.llms.admin.base import APP, WithTabs, may, require, url
from django_app.llms.admin.filters import FILTERS
from django_app.llms.admin.form import LlmsForm
from django_app.llms.models import Llms

View = Callable[..., HttpResponse]

_FIELDSETS: Any = (
    (_("Identity"), {"fields": ("name", ("provider", "model_name"))}),
    (
        _("Selection"),
        {
            "fields": (
                ("tier", "is_active"),
                ("cost_per_1k_input", "cost_per_1k_output"),
                "price_checked_on",
                "capabilities",
            ),
            "description": _("Of the active entries of a tier the one with the cheapest input answers."),
        },
    ),
    (_("Secret"), {"fields": ("api_key", "key_reference", "key_typed"), "classes": ("cs-secret",)}),
    (_("Endpoint"), {"fields": ("api_endpoint",)}),
    (_("Limits"), {"fields": (("max_tokens", "context_window"), "temperature")}),
    (_("Lifecycle"), {"fields": (("deprecated_on", "retires_on"), "successor")}),
    (_("Advanced"), {"fields": ("options", "managed_by"), "classes": ("collapse",)}),
)


@admin.register(Llms)
class LlmsAdmin(WithTabs):
    """Entries."""

    tab = "llms_changelist"
    form = LlmsForm
    fieldsets = _FIELDSETS
    list_display = ("shown_name", "shown_tier", "shown_prices", "shown_state", "shown_key", "shown_week")
    list_display_links = ("shown_name",)
    list_filter = FILTERS
    list_per_page = 50
    search_fields = ("name", "provider", "model_name", "api_endpoint")
    search_help_text = _("Name, provider, model or endpoint")
    actions: Sequence[Any] = ACTIONS
    readonly_fields = ("managed_by",)
    save_on_top = False

    @admin.display(description=_("entry"), ordering="name")
    def shown_name(self, row: Llms) -> Any:
        """Name and model."""
        return listing.name(row)

    @admin.display(description=_("tier"), ordering="tier")
    def shown_tier(self, row: Llms) -> Any:
        """A badge."""
        return listing.tier(row)

    @admin.display(description=_("price per 1M"), ordering="cost_per_1k_input")
    def shown_prices(self, row: Llms) -> Any:
        """Per million and per thousand."""
        return listing.prices(row)

    @admin.display(description=_("health"))
    def shown_state(self, row: Llms) -> Any:
        """A dot."""
        return listing.state(row)

    @admin.display(description=_("key"))
    def shown_key(self, row: Llms) -> Any:
        """Source and hint."""
        return listing.key(row)

    @admin.display(description=_("7 days"))
    def shown_week(self, row: Llms) -> Any:
        """A sparkline."""
        return listing.week(row)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with what its columns need gathered at once."""
        found = super().get_changelist_instance(request)
        listing.gather(list(found.result_list))
        return found

    def has_change_permission(self, request: HttpRequest, obj: Llms | None = None) -> bool:
        """A row that code manages is changed where it is written."""
        if obj is not None and obj.managed_by == Llms.ManagedBy.CODE:
            return False
        return bool(super().has_change_permission(request, obj))

    def form_context(self, request: HttpRequest, object_id: str | None) -> dict[str, Any]:
        """Which of the buttons beside the form are there."""
        return {"may_test": may(request, "test_llms"), "may_preview": may(request, "change_llms")}

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Our own history, which knows what was changed, and also what code did."""
        if may(request, "view_auditevent"):
            return HttpResponseRedirect(f"{url('auditevent_changelist')}?llm_id={int(object_id)}")
        answer: HttpResponse = super().history_view(request, object_id, extra_context)
        return answer

    def get_urls(self) -> list[URLPattern]:
        """Ours before Django's, whose last one takes everything."""
        return [*self._own_urls(), *super().get_urls()]

    def _own_urls(self) -> list[URLPattern]:
        return [
            self._path("overview/", "overview", overview.overview),
            self._path("board/", "board", board.board),
            self._path("<int:object_id>/pin/", "pin", board.pin, "POST"),
            self._path("playground/", "playground", playground.playground, "GET", "POST"),
            self._path("providers/", "providers", providers.providers, "GET", "POST"),
            self._path("costs/", "costs", costs.costs),
            path("trial/", self.admin_site.admin_view(self.trial_view), name=f"{APP}_trial_new"),
            path("<int:object_id>/trial/", self.admin_site.admin_view(self.trial_view), name=f"{APP}_trial"),
            path("preview/", self.admin_site.admin_view(self.preview_view), name=f"{APP}_preview_new"),
            path("<int:object_id>/preview/", self.admin_site.admin_view(self.preview_view), name=f"{APP}_preview"),
        ]

    def _path(self, route: str, name: str, view: View, *methods: str) -> URLPattern:
        allowed = require_http_methods(methods or ("GET", "HEAD"))
        shown = allowed(lambda request, **captured: view(self.admin_site, request, **captured))
        return path(route, self.admin_site.admin_view(shown), name=f"{APP}_{name}")

    def trial_view(self, request: HttpRequest, object_id: int | None = None) -> HttpResponseBase:
        """Test connection: of the form as it stands, or of the stored entry."""
        require(request, "test_llms")
        form = self._posted(request, object_id)
        return trying.trial(self.admin_site, request, form, None if object_id is None else str(object_id))

    def preview_view(self, request: HttpRequest, object_id: int | None = None) -> HttpResponse:
        """Impact preview of the form as it stands."""
        require(request, "view_llms")
        form = self._posted(request, object_id) or self._unbound(request, object_id)
        return impact.preview(self.admin_site, request, form)

    def _posted(self, request: HttpRequest, object_id: int | None) -> Any:
        row = self.get_object(request, str(object_id)) if object_id else None
        if request.method != "POST" or "name" not in request.POST or (object_id and row is None):
            return None
        # What may not be edited may not be tried in another shape either: the stored key would go along.
        allowed = self.has_change_permission(request, row) if row else self.has_add_permission(request)
        return self.get_form(request, row, change=row is not None)(request.POST, instance=row) if allowed else None

    def _unbound(self, request: HttpRequest, object_id: int | None) -> Any:
        return LlmsForm(instance=self.get_object(request, str(object_id)) if object_id else None)
