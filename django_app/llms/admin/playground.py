"""One prompt on two tiers side by side: who would answer and why, and for real what they say, cost and take."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creative_services.adapters import DjangoLLMRegistry
from creative_services.core.completions import LLMResponse
from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMTier
from creative_services.core.needs import Needs
from creative_services.core.wishes import Explanation
from creative_services.llms.client import DynamicLLMClient
from django_app.llms.admin import snippets, words
from django_app.llms.admin.base import may, require, screen
from django_app.llms.models import Llms
from django_app.llms.usage import DjangoBudgets, DjangoUsage

# A person waits for it, and a worker of the site with them.
_SECONDS: Final = 60.0
# What a link to the page leaves out.
_FIRST: Final = {"max_tokens": "300"}


class WishForm(forms.Form):
    """What to ask, of whom."""

    prompt = forms.CharField(
        label=gettext_lazy("Prompt"), required=False, max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
    )  # fmt: skip
    tier = forms.ChoiceField(label=gettext_lazy("Tier"), choices=Llms.Tier.choices, initial="economy")
    other = forms.ChoiceField(
        label=gettext_lazy("Beside it"), required=False, choices=[("", "—"), *Llms.Tier.choices], initial="premium"
    )
    needs = forms.MultipleChoiceField(
        label=gettext_lazy("Needs"), required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(name, name) for name in ("tools", "vision", "json", "embeddings")],
    )  # fmt: skip
    context = forms.IntegerField(label=gettext_lazy("Context window"), required=False, min_value=0)
    max_tokens = forms.IntegerField(
        label=gettext_lazy("Maximum tokens"), min_value=1, max_value=32_000, initial=300, required=False
    )

    @property
    def wish(self) -> Needs:
        """The needs as the choice reads them."""
        names = self.cleaned_data.get("needs") or []
        return Needs(context=self.cleaned_data.get("context") or 0, **dict.fromkeys(names, True))


@dataclass(slots=True, kw_only=True)
class Side:
    """One tier's half of the page."""

    tier: str
    title: str
    explanation: Explanation
    unavailable: dict[int, str] = field(default_factory=dict)
    response: LLMResponse | None = None
    error: str = ""
    python: str = ""
    curl: str = ""

    @property
    def cost(self) -> str:
        """Of the answer."""
        return words.usd(self.response.cost) if self.response else ""

    @property
    def time(self) -> str:
        """Until the answer."""
        return words.seconds(self.response.latency) if self.response else ""

    @property
    def thousand(self) -> str:
        """What a thousand such calls would cost."""
        cost = self.response.cost if self.response else None
        return words.usd(cost * Decimal(1000)) if cost is not None else "—"


def playground(site: admin.AdminSite, request: HttpRequest) -> HttpResponse:
    """Explains on GET; asks for real on POST, which costs money and so needs a permission."""
    require(request, "view_llms")
    asked = request.method == "POST" and "ask" in request.POST
    if asked:
        require(request, "test_llms")
    linked = {**_FIRST, **request.GET.dict()} if "tier" in request.GET else None
    form = WishForm(request.POST if request.method == "POST" else linked)
    sides = _sides(form) if form.is_bound and form.is_valid() else []
    if sides and asked and form.cleaned_data["prompt"]:
        _ask(form, sides, request)
    elif asked and form.is_valid():
        form.add_error("prompt", _("Write something to ask."))
    return screen(
        site, request, "playground", _("Playground"), form=form, sides=sides, may_ask=may(request, "test_llms"),
    )  # fmt: skip


def _sides(form: WishForm) -> list[Side]:
    registry = DjangoLLMRegistry()
    tiers = dict.fromkeys(tier for tier in (form.cleaned_data["tier"], form.cleaned_data["other"]) if tier)
    client = DynamicLLMClient(registry)
    try:
        return [_side(client, registry, tier, form) for tier in tiers]
    except CreativeServicesError as error:
        form.add_error(None, str(error))
        return []


def _side(client: DynamicLLMClient, registry: DjangoLLMRegistry, tier: str, form: WishForm) -> Side:
    found = client.explain(tier=LLMTier(tier), needs=form.wish)
    ids = set(Llms.objects.active().filter(tier=tier).values_list("pk", flat=True))
    prompt = form.cleaned_data["prompt"] or "Hello"
    options = {"max_tokens": form.cleaned_data["max_tokens"] or 300, "needs": form.cleaned_data["needs"]}
    return Side(
        tier=tier,
        title=str(Llms.Tier(tier).label),
        explanation=found,
        unavailable={llm_id: why for llm_id, why in registry.unavailable.items() if llm_id in ids},
        python=snippets.python(prompt, tier, options),
        curl=snippets.curl(prompt, tier, options),
    )


def _ask(form: WishForm, sides: list[Side], request: HttpRequest) -> None:
    usage, user = DjangoUsage(), request.user.get_username()
    options = {
        "needs": form.wish, "max_tokens": form.cleaned_data["max_tokens"] or 300, "timeout": _SECONDS,
        "user_id": user, "metadata": {"from": "playground"},
    }  # fmt: skip
    with (
        DynamicLLMClient(DjangoLLMRegistry(), listeners=[usage], budget_store=DjangoBudgets()) as client,
        ThreadPoolExecutor(len(sides)) as both,
    ):
        list(both.map(lambda side: _answer(client, side, form.cleaned_data["prompt"], options), sides))


def _answer(client: DynamicLLMClient, side: Side, prompt: str, options: dict[str, Any]) -> None:
    try:
        side.response = client.generate_sync(prompt, tier=side.tier, **options)
    except CreativeServicesError as error:
        side.error = str(error)
