"""Who changed which row, and how: an event in the transaction of every save and delete, without any key."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save, pre_save

from creative_services.core.secrets import redact
from django_app.llms.keys.written import Kind, kind_of, source_of

# What says nothing that the event itself does not say.
_LEFT_OUT: Final = ("id", "updated_at", "created_at", "api_key_changed_at", "digest")
_USER_IN_URL: Final = re.compile(r"//[^/@]+@")
_BEFORE: Final = "_state_before_save"
_UNFINISHED: Final = "_creation_to_be_noted"

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, and why."""

    user: Any = None
    name: str = ""
    reason: str = ""


_acting: ContextVar[Acting] = ContextVar("creative_services_acting")
_NOBODY: Final = Acting(name="code")
_followed: Final[list[Any]] = []


@contextmanager
def acting(user: Any, reason: str = "") -> Iterator[None]:
    """Changes within the block are this user's; without a user, those of code with a reason."""
    name = user.get_username() if user else _NOBODY.name
    token = _acting.set(Acting(user, name, reason[:200]))
    try:
        yield
    finally:
        _acting.reset(token)


def state_of(row: Any) -> State:
    """The row as the history keeps it: plain data, the key by its source only."""
    fields = [field for field in row._meta.concrete_fields if field.attname not in _LEFT_OUT]
    # What code assigned may still be text or a plain number: a price of 1 is no other than one of Decimal(1).
    return {field.attname: _plain(field.attname, field.to_python(getattr(row, field.attname))) for field in fields}


def _plain(name: str, value: Any) -> Any:
    if name == "api_key":
        return _key(value or "")
    match value:
        case Decimal():
            return f"{value.normalize():f}"
        case date() | datetime():
            return value.isoformat()
        case str():
            return redact(_USER_IN_URL.sub("//****@", value))
        case Mapping():
            return {key: _plain(key, each) for key, each in value.items()}
        case list() | tuple():
            return [_plain("", each) for each in value]
    return value


def _key(text: str) -> str:
    if kind_of(text) is not Kind.SEALED:
        return source_of(text)
    # Of the sealed text, which differs with every sealing: shows that a key was changed, and tells nothing of it.
    return f"sealed #{sha256(text.encode()).hexdigest()[:6]}"


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What changed: ``{"tier": ["economy", "standard"]}``."""
    names = [*after, *(name for name in before if name not in after)]
    return {name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)}


def followed() -> Sequence[Any]:
    """The models whose rows have a history."""
    return tuple(_followed)


def follow_models(config: AppConfig) -> None:
    """Hear of every save and delete of an entry."""
    follow(config.get_model("Llms"))


def follow(model: Any) -> None:
    """Hear of every save and delete of this model's rows; ``audited_as`` says what they are in the history."""
    _followed.append(model)
    name = f"{__name__}.{model._meta.label}"
    pre_save.connect(_before, sender=model, dispatch_uid=f"{name}.before")
    post_save.connect(_saved, sender=model, dispatch_uid=f"{name}.saved")
    post_delete.connect(_deleted, sender=model, dispatch_uid=f"{name}.deleted")


def _before(*, sender: Any, instance: Any, using: str, raw: bool = False, **_: Any) -> None:
    if raw or instance.pk is None:
        return
    old = sender._base_manager.using(using).filter(pk=instance.pk).first()
    instance.__dict__[_BEFORE] = state_of(old) if old else None


def _saved(*, instance: Any, created: bool, using: str, raw: bool = False, **_: Any) -> None:
    if raw:  # a fixture brings its own history, or none
        return
    if created and getattr(instance, "api_key_changed_at", None) and not instance.api_key:
        instance.__dict__[_UNFINISHED] = True  # a typed key is sealed by a second save, which needs the new row's id
        return
    created = instance.__dict__.pop(_UNFINISHED, False) or created
    before, after = instance.__dict__.pop(_BEFORE, None) or {}, state_of(instance)
    changes = {} if created else difference(before, after)
    if created or changes:
        _note("created" if created else "changed", instance, using, changes, after)


def _deleted(*, instance: Any, using: str, **_: Any) -> None:
    _note("deleted", instance, using, {}, state_of(instance))


def _note(action: str, row: Any, using: str, changes: Mapping[str, Any], after: State) -> None:
    from django_app.llms.models import AuditEvent

    who = _acting.get(_NOBODY)
    llm_id, told = row.audited_as
    AuditEvent.objects.using(using).create(
        actor=who.user,
        actor_name=who.name,
        action=action,
        llm_id=llm_id,
        entry=told[:300],
        changes=dict(changes),
        after=after,
        reason=who.reason,
    )
