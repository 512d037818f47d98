"""One language model in the database, with its tier, its price and the way to reach it."""

from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, router, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMEntry
from django_app.llms import endpoints
from django_app.llms.keys.reading import read_key
from django_app.llms.keys.sealing import seal
from django_app.llms.keys.written import Kind, kind_of, source_of
from django_app.llms.models import rules
from django_app.llms.models.key_field import KeyField
from django_app.llms.models.queryset import LlmsManager
from django_app.llms.ordering import PRICE_ORDER
from django_app.llms.rows import COLUMNS, written_entry


class Llms(models.Model):
    """An entry of the registry. Of the active ones of a tier the cheapest answers."""

    class Tier(models.TextChoices):
        """What callers ask for."""

        ECONOMY = "economy", _("economy")
        STANDARD = "standard", _("standard")
        PREMIUM = "premium", _("premium")
        LOCAL = "local", _("local")

    class ManagedBy(models.TextChoices):
        """Who owns the row: people in the admin, or a file or the environment through a command."""

        ADMIN = "admin", _("admin")
        CODE = "code", _("code")

    name = models.CharField(_("name"), max_length=200)
    provider = models.CharField(_("provider"), max_length=64, help_text=_("openai, anthropic, groq, ollama, …"))
    model_name = models.CharField(_("model"), max_length=200, help_text=_("The vendor's own name of the model."))
    tier = models.CharField(_("tier"), max_length=16, choices=Tier.choices)
    api_key = KeyField(
        _("API key"), blank=True, default="", help_text=_("By reference (env:NAME, file:/path) or sealed.")
    )
    api_key_changed_at = models.DateTimeField(_("API key changed at"), null=True, blank=True, editable=False)
    api_endpoint = models.CharField(_("endpoint"), max_length=500, blank=True, default="")
    max_tokens = models.PositiveIntegerField(_("maximum tokens"), default=4096, validators=[MinValueValidator(1)])
    temperature = models.FloatField(
        _("temperature"), null=True, blank=True, default=0.7, validators=[MinValueValidator(0), MaxValueValidator(2)]
    )
    cost_per_1k_input = rules.price(_("input price"), help_text=_("USD per 1,000 tokens; empty when unknown."))
    cost_per_1k_output = rules.price(_("output price"), help_text=_("USD per 1,000 tokens; empty when unknown."))
    price_checked_on = models.DateField(_("price checked on"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    capabilities = models.JSONField(_("capabilities"), blank=True, default=list, validators=[rules.a_list_of_words])
    context_window = models.PositiveIntegerField(_("context window"), null=True, blank=True)
    options = models.JSONField(_("options"), blank=True, default=dict, validators=[rules.a_dictionary])

    deprecated_on = models.DateField(_("deprecated on"), null=True, blank=True)
    retires_on = models.DateField(_("retires on"), null=True, blank=True)
    successor = models.CharField(_("successor"), max_length=200, blank=True, default="")

    pinned_until = models.DateTimeField(_("pinned until"), null=True, blank=True)
    pin_reason = models.CharField(_("reason of the pin"), max_length=200, blank=True, default="")

    managed_by = models.CharField(_("managed by"), max_length=8, choices=ManagedBy.choices, default=ManagedBy.ADMIN)
    managed_source = models.CharField(_("source"), max_length=200, blank=True, default="", editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(_("updated at"), auto_now=True, db_default=Now())

    objects = LlmsManager()

    _as_stored: dict[str, str] = {}  # noqa: RUF012 - never changed in place

    class Meta:
        db_table = "creative_services_llms"
        verbose_name = _("language model")
        verbose_name_plural = _("language models")
        ordering = ("tier", *PRICE_ORDER)
        constraints = rules.CONSTRAINTS
        indexes = rules.INDEXES
        permissions = (
            ("pin_llms", "Can pin a language model to its tier"),
            ("rotate_secret", "Can rotate sealed API keys"),
            ("test_llms", "Can test the connection of a language model"),
        )

    def __str__(self) -> str:
        return f"entry {self.pk} '{self.name}' ({self.provider} {self.model_name})"

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **options: Any) -> "Llms":
        """Remember the key as stored, and where it goes: a new address asks for it again."""
        row: Llms = super().from_db(db, field_names, values, **options)
        row._remember()
        return row

    def _remember(self) -> None:
        self._as_stored = {name: self.__dict__.get(name, "") for name in ("provider", "api_endpoint", "api_key")}

    @property
    def audited_as(self) -> tuple[int, str]:
        """The id and the name of the row in the history."""
        return self.pk, f"{self.name} ({self.provider} {self.model_name})"

    @property
    def is_pinned(self) -> bool:
        """Whether the entry is put first in its tier for now."""
        return self.pinned_until is not None and self.pinned_until > timezone.now()

    @property
    def key_source(self) -> str:
        """Where the key comes from: a reference, ``sealed`` or ``none``. Safe to show."""
        return source_of(self.api_key)

    @property
    def key_hint(self) -> str:
        """The last four characters of the key. Raises ConfigurationError when the key cannot be had."""
        key = read_key(self.api_key, self.pk, owner=str(self))
        return key.hint if key else ""

    def as_entry(self) -> LLMEntry:
        """The entry of this row, also before it is saved; raises ConfigurationError when it could not be asked."""
        plain = self.api_key if kind_of(self.api_key) is Kind.PLAIN else ""
        row = {column: getattr(self, column) for column in COLUMNS}
        row |= {"id": self.pk or 0, "is_active": True, "api_key": "" if plain else self.api_key}
        entry, why = written_entry(row)
        if why:
            raise ConfigurationError(why)
        return entry.using(is_active=self.is_active, api_key=plain or entry.api_key)

    def confirm_key(self) -> None:
        """Say that the key was entered again, as a changed address asks for, although its text is the same."""
        self._as_stored = {}

    @property
    def goal_needs_key(self) -> bool:
        """Whether the address changed while the key did not: a stored key must not follow to a new one."""
        stored = self._as_stored
        if not stored.get("api_key") or self.api_key != stored["api_key"]:
            return False
        goal = endpoints.goal_of(self.provider, self.api_endpoint)
        return goal != endpoints.goal_of(stored["provider"], stored["api_endpoint"])

    def clean(self) -> None:
        """Endpoint rules; forms call this."""
        super().clean()
        if self.goal_needs_key:
            told = _("The API key would go to another address than so far: enter the API key again.")
            raise ValidationError({"api_key": told}, code="key_again")
        if why := endpoints.refusal(self.api_endpoint, self.tier):
            refused = _("This endpoint is refused: the entry %(why)s.") % {"why": why}
            raise ValidationError({"api_endpoint": refused}, code="private_endpoint")

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """A plain key is still to be sealed by ``save()``; until then its column cannot be asked about it."""
        plain = {"api_key"} if kind_of(self.api_key) is Kind.PLAIN else set()
        super().validate_constraints(exclude={*(exclude or ()), *plain})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, in one transaction with the revision; a plain key is sealed first, which needs the row's id."""
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        before = (self.api_key, self.pk, self._state.adding)
        self._note_key_change(kwargs)
        try:
            with transaction.atomic(using=using):
                if kind_of(self.api_key) is Kind.PLAIN:
                    self._seal(using, args, kwargs)
                else:
                    super().save(*args, **kwargs)
        except BaseException:
            # The object as the caller left it, so that saving again can succeed.
            self.api_key, self.pk, self._state.adding = before
            raise
        self._remember()

    def _note_key_change(self, options: dict[str, Any]) -> None:
        if self.api_key == self._as_stored.get("api_key", ""):
            return
        self.api_key_changed_at = timezone.now()
        if options.get("update_fields") is not None and "api_key" in options["update_fields"]:
            options["update_fields"] = {*options["update_fields"], "api_key_changed_at"}

    def _seal(self, using: str, args: Any, options: dict[str, Any]) -> None:
        plain = self.api_key
        if self._state.adding:
            self.api_key = ""
            super().save(*args, **options)
            args, options = (), {"using": using, "update_fields": ["api_key"]}
        self.api_key = seal(plain, self.pk)
        super().save(*args, **options)
