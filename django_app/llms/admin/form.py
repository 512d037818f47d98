"""The form of one entry: its key can be given and never be read."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from creative_services.catalog.prices import snapshot
from creative_services.core.errors import CreativeServicesError
from creative_services.providers import known_providers
from django_app.llms.keys import resolving, sealing
from django_app.llms.keys.written import Kind, kind_of
from django_app.llms.models import Llms

KEEP, NONE, REFERENCE, TYPED = "keep", "none", "reference", "typed"
_SOURCES: Final = (
    (KEEP, _("keep the present key")),
    (REFERENCE, _("by reference (environment, file, vault)")),
    (TYPED, _("enter it here; it is sealed")),
    (NONE, _("no key")),
)
ABILITIES: Final = ("chat", "tools", "vision", "json", "embeddings")


if TYPE_CHECKING:
    EntryForm = forms.ModelForm[Llms]
else:
    EntryForm = forms.ModelForm  # generic only in the stubs


class Suggesting(forms.TextInput):
    """A text input that offers known words, and takes any other."""

    template_name = "creative_services_llms/suggesting.html"

    def __init__(self, words: Any) -> None:
        super().__init__(attrs={"class": "vTextField", "autocomplete": "off"})
        self._words = words

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """With the words, which are looked up when the form is shown."""
        context = super().get_context(name, value, attrs)
        context["words"] = self._words()
        context["widget"]["attrs"]["list"] = f"{name}_words"
        return context


def known_models() -> list[str]:
    """Every model that the price catalogue knows."""
    return sorted({model for models in snapshot()["models"].values() for model in models})


class Abilities(forms.MultipleChoiceField):
    """Checkboxes for the abilities that calls may need; others an entry already has are kept."""

    widget = forms.CheckboxSelectMultiple

    def valid_value(self, value: str) -> bool:
        """Any word."""
        return bool(value)


class LlmsForm(EntryForm):
    """An entry as people edit it."""

    capabilities = Abilities(
        label=_("Abilities"),
        required=False,
        choices=[(name, name) for name in ABILITIES],
        help_text=_("What the model can do. Calls that need something choose among entries that have it."),
    )
    # Not the model's field: what is stored never reaches a page, not even sealed.
    api_key = forms.ChoiceField(label=_("API key"), choices=_SOURCES)
    key_reference = forms.CharField(
        label=_("Reference"),
        required=False,
        widget=forms.TextInput(
            attrs={"class": "vTextField", "placeholder": "env:OPENAI_API_KEY", "spellcheck": "false"}
        ),
        help_text=_("env:NAME or file:/run/secrets/name. Only allowed names and directories are read."),
    )
    key_typed = forms.CharField(
        label=_("Key"),
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"class": "vTextField", "autocomplete": "new-password"}),
        help_text=_("Stored sealed, and never shown again."),
    )

    class Meta:
        model = Llms
        exclude = ("api_key",)
        help_texts: Final = {
            "api_endpoint": _("Empty for the vendor's own; http://localhost:11434 for an Ollama on this machine."),
        }
        widgets: Final = {
            "provider": Suggesting(known_providers),
            "model_name": Suggesting(known_models),
            "options": forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField cs-code", "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("cost_per_1k_input", "cost_per_1k_output"):
            if (price := self.initial.get(name)) is not None:
                self.initial[name] = f"{price.normalize():f}"  # 0.00005 and not 0.0000500000; 20 and not 2E+1
        if "api_key" in self.fields:
            self._offer_sources()
        if "capabilities" in self.fields and (more := set(self.instance.capabilities or ()) - set(ABILITIES)):
            self.fields["capabilities"].choices += [(name, name) for name in sorted(more)]  # type: ignore[attr-defined]  # of a choice field

    def _offer_sources(self) -> None:
        has_key = bool(self.instance.api_key)
        field: Any = self.fields["api_key"]
        field.choices = [choice for choice in _SOURCES if has_key or choice[0] != KEEP]
        field.initial = KEEP if has_key else NONE
        if has_key:
            field.help_text = _("Now: %(source)s") % {"source": self.instance.key_source}

    def clean(self) -> dict[str, Any]:
        """Put the key where ``save()`` seals it, before the model's own rules look at it."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "api_key" in cleaned:
            self._take_key(cleaned)
        return cleaned

    def _take_key(self, cleaned: dict[str, Any]) -> None:
        source = cleaned["api_key"]
        if source == NONE:
            self.instance.api_key = ""
        elif source == REFERENCE:
            self._take_reference(cleaned.get("key_reference", ""))
        elif source == TYPED:
            self._take_typed(cleaned.get("key_typed", ""))

    def _take_reference(self, text: str) -> None:
        if kind_of(text) is not Kind.REFERENCE:
            known = ", ".join(f"{name}:" for name in sorted(resolving.schemes()))
            self.add_error("key_reference", _("Write one of %(known)s and a name.") % {"known": known})
            return
        try:
            resolving.resolve(text, owner=str(_("This entry")))
        except CreativeServicesError as error:
            self.add_error("key_reference", ValidationError(str(error)))
        except Exception as error:  # noqa: BLE001 - a resolver is somebody else's code; its failure belongs beside the field
            self.add_error("key_reference", ValidationError(type(error).__name__))
        self._set(text)

    def _take_typed(self, text: str) -> None:
        if not text:
            self.add_error("key_typed", _("Enter the key, or choose to keep the present one."))
            return
        try:
            if not sealing.master_keys():
                self.add_error("key_typed", _("ENCRYPTION_KEYS is empty: make a key with `manage.py llms new_key`."))
        except CreativeServicesError as error:
            self.add_error("key_typed", ValidationError(str(error)))
        self._set(text)

    def _set(self, text: str) -> None:
        if text == self.instance.api_key:
            self.instance.confirm_key()
        self.instance.api_key = text
