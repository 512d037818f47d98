"""What all screens share: the look of the site, the strip of links, who may do what."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from django_app.llms.audit import acting

APP: Final = "creative_services_llms"

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
elif apps.is_installed("unfold"):
    from unfold.admin import ModelAdmin as Base
else:
    Base = admin.ModelAdmin


@dataclass(frozen=True, slots=True)
class Tab:
    """A link of the strip."""

    name: str
    title: Any
    permission: str = "view_llms"
    app: str = APP

    @property
    def url(self) -> str:
        """Its address."""
        return reverse(f"admin:{self.app}_{self.name}")

    def shown_to(self, request: HttpRequest) -> bool:
        """Whether the user may see what is behind it."""
        return bool(request.user.has_perm(f"{self.app}.{self.permission}"))


_TABS: Final = [
    Tab("overview", _("Overview")),
    Tab("llms_changelist", _("Entries")),
    Tab("board", _("Tier board")),
    Tab("playground", _("Playground")),
    Tab("providers", _("Providers & keys")),
    Tab("costs", _("Usage & cost")),
    Tab("budgetlimit_changelist", _("Budgets"), "view_budgetlimit"),
    Tab("auditevent_changelist", _("History"), "view_auditevent"),
]


def add_tab(tab: Tab) -> None:
    """Another app's screen joins the strip, before the history."""
    _TABS.insert(len(_TABS) - 1, tab)


def url(name: str, *args: Any) -> str:
    """The address of one of our screens."""
    return reverse(f"admin:{APP}_{name}", args=args)


def may(request: HttpRequest, permission: str) -> bool:
    """Whether the user has one of this app's permissions."""
    return bool(request.user.has_perm(f"{APP}.{permission}"))


def require(request: HttpRequest, permission: str) -> None:
    """Refuse who has not."""
    if not may(request, permission):
        raise PermissionDenied


def tabs(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    """The strip for this user."""
    return [
        {"url": tab.url, "title": tab.title, "current": tab.name == current} for tab in _TABS if tab.shown_to(request)
    ]


def screen(
    site: admin.AdminSite, request: HttpRequest, name: str, title: Any, /, *, status: int = 200, **context: Any
) -> HttpResponse:
    """One of our pages, inside the site's own frame; ``app`` names another app whose page it is."""
    app = context.pop("app", APP)
    whole = {
        **site.each_context(request),
        "title": title,
        "cs_tabs": tabs(request, context.pop("tab", name)),
        "may_change": may(request, "change_llms"),
        "may_add": may(request, "add_llms"),
        **context,
    }
    return TemplateResponse(request, f"{app}/{name}.html", whole, status=status)


class WithTabs(Base):
    """A model's own lists and forms, with the strip above them. What is done in them is done by their user."""

    tab = ""

    class Media:
        css: Final = {"all": ("creative_services_llms/admin.css",)}
        js: Final = ("creative_services_llms/admin.js",)

    def form_context(self, request: HttpRequest, object_id: str | None) -> dict[str, Any]:
        """What a form's page needs beside the form."""
        return {}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, and its actions."""
        with acting(request.user):
            return super().changelist_view(request, {"cs_tabs": tabs(request, self.tab), **(extra_context or {})})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form."""
        tab = {"cs_tabs": tabs(request, self.tab)}
        context = {**tab, **self.form_context(request, object_id), **(extra_context or {})}
        with acting(request.user):
            answer: HttpResponse = super().changeform_view(request, object_id, form_url, context)
            return answer

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The question, and the deletion."""
        with acting(request.user):
            answer: HttpResponse = super().delete_view(request, object_id, extra_context)
            return answer
