"""The form of one key: what it may do, never what it is."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from creative_services.core.access import KeyScope
from django_app.access import key_text
from django_app.access.models import AccessKey
from django_app.llms.models import Llms

if TYPE_CHECKING:
    KeyModelForm = forms.ModelForm[AccessKey]
else:
    KeyModelForm = forms.ModelForm  # generic only in the stubs


class AccessKeyForm(KeyModelForm):
    """A key as people edit it."""

    tiers = forms.MultipleChoiceField(
        label=_("Tiers"),
        required=False,
        choices=Llms.Tier.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: every tier."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        required=False,
        choices=[
            (KeyScope.CHAT.value, _("Chat completions, responses and messages")),
            (KeyScope.EMBEDDINGS.value, _("Embeddings")),
            (KeyScope.MODELS.value, _("The list of models")),
        ],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: everything."),
    )

    class Meta:
        model = AccessKey
        fields = (
            "owner", "user", "note", "tiers", "scopes", "requests_per_minute", "tokens_per_minute",
            "budget_per_day", "budget_per_month", "expires_at", "is_active",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("budget_per_day", "budget_per_month"):
            if (amount := self.initial.get(name)) is not None:
                self.initial[name] = f"{amount.normalize():f}"  # 25 and not 25.0000


class NewKeyForm(AccessKeyForm):
    """The key's public part is in the form already: sent twice, by a reload say, it makes no second key."""

    new_id = forms.RegexField(
        regex=f"^{key_text.ID.pattern}$", widget=forms.HiddenInput, initial=key_text.new_id, required=True
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what was sent before, and an end that is over."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        key_id = cleaned.get("new_id")
        if key_id and AccessKey.objects.filter(key_id=key_id).exists():
            raise ValidationError(
                _("This form was sent already: its key was made, and shown that once. If it is lost, rotate it."),
                code="sent_twice",
            )
        if (end := cleaned.get("expires_at")) is not None and end <= timezone.now():
            self.add_error("expires_at", _("This moment is over."))
        if key_id:
            self.instance.key_id = key_id
        return cleaned
