"""Back to a former state of an entry."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from creative_services.core.errors import CreativeServicesError
from django_app.llms.audit import acting
from django_app.llms.keys.written import Kind, kind_of
from django_app.llms.models import AuditEvent, Llms

# A pin belongs to its time, and who manages a row is not a state to go back to.
_NOT_RESTORED = ("pinned_until", "pin_reason", "managed_by", "managed_source")


def restore(event: AuditEvent, user: Any) -> tuple[Llms | None, str]:
    """The row in its state after the event, or why that cannot be. A deleted entry is made again under its id.

    Sealed keys are in no history: the present one stays, and a new host asks for it again as after any edit.
    """
    row = Llms.objects.filter(pk=event.llm_id).first()
    if row is not None and row.managed_by == Llms.ManagedBy.CODE:
        return None, _("This entry is managed by code: change it where it is written.")
    row = row or Llms(pk=event.llm_id)
    for name, value in event.after.items():
        _set(row, name, value)
    try:
        row.full_clean()
        with acting(user, _("restored to change %(number)s") % {"number": event.pk}):
            row.save()
    except ValidationError as error:
        return None, " ".join(error.messages)
    except CreativeServicesError as error:
        return None, str(error)
    return row, ""


def _set(row: Llms, name: str, value: Any) -> None:
    if name in _NOT_RESTORED or name not in {field.attname for field in Llms._meta.concrete_fields}:
        return
    if name == "api_key":
        if kind_of(value) is Kind.REFERENCE or value == "none":
            row.api_key = "" if value == "none" else value
        return
    if isinstance(value, str) and "****" in value:  # hidden when it was written down; the present one stays
        return
    field: Any = Llms._meta.get_field(name)
    setattr(row, name, field.to_python(value))
