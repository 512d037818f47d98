"""The keys in the admin: list, form, and the addresses of their screens."""

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from django_app.access import issuing, key_text
from django_app.access.admin import ending, listing
from django_app.access.admin.ending import APP
from django_app.access.admin.exporting import export_keys
from django_app.access.admin.filters import FILTERS
from django_app.access.admin.form import AccessKeyForm, NewKeyForm
from django_app.access.models import AccessKey
from django_app.llms.admin.base import Tab, WithTabs, add_tab, may, url

add_tab(Tab("accesskey_changelist", _("API keys"), "view_accesskey", APP))

_LIMITS: Any = (("requests_per_minute", "tokens_per_minute"), ("budget_per_day", "budget_per_month"))
_FIELDSETS: Any = (
    (_("Whose it is"), {"fields": ("owner", ("user", "note"))}),
    (
        _("What it may do"),
        {"fields": ("tiers", "scopes", *_LIMITS)},
    ),
    (_("How long"), {"fields": ("expires_at", "is_active")}),
)
_NEW: Any = ((None, {"fields": ("new_id",)}), *_FIELDSETS)
_SEEN: Any = (_("Now"), {"fields": ("shown_key", "shown_state", "shown_budgets", "shown_use", "shown_made")})


@admin.action(description=_("Revoke…"), permissions=["revoke"])
def revoke_selected(_admin: Any, request: HttpRequest, rows: Any) -> HttpResponse:
    """Asks first."""
    keys = urlencode([("key", pk) for pk in rows.values_list("pk", flat=True)])
    return HttpResponseRedirect(f"{reverse(f'admin:{APP}_revoke')}?{keys}")


@admin.register(AccessKey)
class AccessKeyAdmin(WithTabs):
    """Keys."""

    class Media:
        css: Final = {"all": ("creative_services_access/keys.css",)}

    tab = "accesskey_changelist"
    form = AccessKeyForm
    list_display = ("shown_key", "shown_owner", "shown_state", "shown_rights", "shown_budgets", "shown_use")
    list_display_links = ("shown_key",)
    list_filter = FILTERS
    list_per_page = 50
    list_select_related = ("user", "use", "successor")
    search_fields = ("key_id", "account", "owner", "note", "user__username")
    search_help_text = _("Key, owner or note")
    raw_id_fields = ("user",)
    readonly_fields = ("shown_key", "shown_state", "shown_budgets", "shown_use", "shown_made")
    actions = (revoke_selected, export_keys)

    shown_key = admin.display(description=_("key"), ordering="key_id")(lambda _self, row: listing.key(row))
    shown_owner = admin.display(description=_("owner"), ordering="owner")(lambda _self, row: listing.owner(row))
    shown_state = admin.display(description=_("state"), ordering="expires_at")(lambda _self, row: listing.state(row))
    shown_rights = admin.display(description=_("may use"))(lambda _self, row: listing.rights(row))
    shown_budgets = admin.display(description=_("spent"))(lambda _self, row: listing.budgets(row))
    shown_use = admin.display(description=_("last used"), ordering="use__at")(lambda _self, row: listing.last_used(row))
    shown_made = admin.display(description=_("created"))(lambda _self, row: listing.made(row))

    def get_fieldsets(self, request: HttpRequest, obj: AccessKey | None = None) -> Any:
        """Of a key that is there, also how it stands."""
        return _NEW if obj is None else (_SEEN, *_FIELDSETS)

    def get_form(self, request: HttpRequest, obj: AccessKey | None = None, change: bool = False, **kwargs: Any) -> Any:
        """A new key's form knows whether it was sent before."""
        if obj is None:
            kwargs["form"] = NewKeyForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with what its columns need gathered at once."""
        found = super().get_changelist_instance(request)
        listing.gather(list(found.result_list), found.queryset.db)
        return found

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> AccessKey | None:
        """With what it spent."""
        row: AccessKey | None = super().get_object(request, object_id, from_field)
        if row is not None:
            listing.gather([row], row._state.db or "default")
        return row

    def has_change_permission(self, request: HttpRequest, obj: AccessKey | None = None) -> bool:
        """A revoked key stays as it was."""
        return bool(super().has_change_permission(request, obj)) and not (obj and obj.revoked_at)

    def has_delete_permission(self, request: HttpRequest, obj: AccessKey | None = None) -> bool:
        """A key that works is revoked, which its history remembers, before it can be deleted."""
        ended = obj is None or obj.state in (AccessKey.State.EXPIRED, AccessKey.State.REVOKED)
        return ended and bool(super().has_delete_permission(request, obj))

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Who may end keys."""
        return bool(request.user.has_perm(f"{APP}.revoke_accesskey"))

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        """Who may replace them."""
        return bool(request.user.has_perm(f"{APP}.rotate_accesskey"))

    def save_model(self, request: HttpRequest, obj: AccessKey, form: Any, change: bool) -> None:
        """A new row gets its key here; it stays with the object until the answer has shown it."""
        if not change:
            obj.issued = key_text.new_key(obj.key_id)  # type: ignore[attr-defined]  # for response_add only
            obj.digest, obj.created_by = key_text.digest_of(obj.issued), request.user.get_username()  # type: ignore[attr-defined]  # as above
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: AccessKey, post_url_continue: str | None = None) -> HttpResponse:
        """The key, this once."""
        issued = issuing.Issued(obj, obj.issued)  # type: ignore[attr-defined]  # by save_model
        return ending.shown_once(self, request, issued)

    def form_context(self, request: HttpRequest, object_id: str | None) -> dict[str, Any]:
        """Which ways a key may end."""
        return {
            "may_revoke": self.has_revoke_permission(request),
            "may_rotate": self.has_rotate_permission(request),
            "show_save_and_add_another": False,
            "show_save_and_continue": object_id is not None,
        }

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Our own history, which knows what was changed, and also what commands did."""
        row = self.get_object(request, object_id)
        if row is not None and may(request, "view_auditevent"):
            return HttpResponseRedirect(f"{url('auditevent_changelist')}?{urlencode({'q': row.key_id})}")
        answer: HttpResponse = super().history_view(request, object_id, extra_context)
        return answer

    def get_urls(self) -> list[URLPattern]:
        """Ours before Django's, whose last one takes everything."""
        view = self.admin_site.admin_view
        return [
            path("revoke/", view(self.revoke_view), name=f"{APP}_revoke"),
            path("<int:object_id>/rotate/", view(self.rotate_view), name=f"{APP}_rotate"),
            *super().get_urls(),
        ]

    def revoke_view(self, request: HttpRequest) -> HttpResponse:
        """Revoke one or several."""
        if not self.has_revoke_permission(request) or not self.has_view_permission(request):
            raise PermissionDenied
        return ending.revoke(self, request)

    def rotate_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Replace one."""
        if not self.has_rotate_permission(request) or not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        with transaction.atomic(using=row._state.db):
            return ending.rotate(self, request, row)
