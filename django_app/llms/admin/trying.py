"""Test connection: the steps of a real test, each as soon as it is known, for a form that is not saved yet too."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMEntry
from creative_services.llms.blocking import iterate_blocking
from django_app.llms.admin import words
from django_app.llms.admin.base import require, screen
from django_app.llms.admin.form import EntryForm
from django_app.llms.models import Llms, Trial
from django_app.llms.trial import Step, try_entry

_TITLES: Final = {
    "form": gettext_lazy("Form"),
    "endpoint": gettext_lazy("Endpoint allowed"),
    "driver": gettext_lazy("Driver"),
    "name": gettext_lazy("DNS"),
    "connection": gettext_lazy("TCP / TLS"),
    "key": gettext_lazy("Key"),
    "model": gettext_lazy("Model exists"),
    "call": gettext_lazy("Short call"),
    "stream": gettext_lazy("Stream"),
    "tools": gettext_lazy("Tools"),
    "json": gettext_lazy("JSON"),
}


def trial(
    site: admin.AdminSite, request: HttpRequest, form: EntryForm | None, object_id: str | None
) -> HttpResponseBase:
    """The steps as lines of JSON for the script, or as a page without it."""
    require(request, "test_llms")
    row = form.instance if form else get_object_or_404(Llms, pk=object_id)
    wrong = _wrong(form)
    entry = None if wrong else _entry(row)
    failed = wrong or ([entry] if isinstance(entry, Step) else [])
    known = row.pk if form is None or not form.has_changed() else None
    if request.headers.get("Accept") == "application/x-ndjson":
        return _streamed(request, entry if isinstance(entry, LLMEntry) else None, failed, known)
    steps = list(failed) or list(_steps(entry, known))
    return screen(
        site, request, "trial", _("Test connection"), tab="llms_changelist", row=row,
        steps=[shown(step) for step in steps], ok=all(step.ok for step in steps if step.needed),
        partly=not all(step.ok for step in steps),
    )  # fmt: skip


def _wrong(form: EntryForm | None) -> list[Step]:
    if form is None or form.is_valid():
        return []
    return [
        Step(
            name="form",
            ok=False,
            detail=f"{form.fields[name].label if name in form.fields else ''}: {error}".lstrip(": "),
        )
        for name, errors in form.errors.items()
        for error in errors
    ]


def _entry(row: Llms) -> LLMEntry | Step:
    try:
        return row.as_entry()
    except CreativeServicesError as error:
        return Step(name="key", ok=False, detail=str(error))


def _steps(entry: Any, known: int | None) -> Iterator[Step]:
    done = []
    for step in iterate_blocking(try_entry(entry, abilities=True)):
        done.append(step)
        yield step
    remember(known, done)


def _streamed(
    request: HttpRequest, entry: LLMEntry | None, failed: list[Step], known: int | None
) -> StreamingHttpResponse:
    lines: Iterator[bytes] | AsyncIterator[bytes]
    if entry is None:
        lines = map(_line, failed)
    elif hasattr(request, "scope"):  # under ASGI Django would collect a plain iterator before it sends anything
        lines = _async_lines(entry, known)
    else:
        lines = map(_line, _steps(entry, known))
    answer = StreamingHttpResponse(lines, content_type="application/x-ndjson")
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"
    return answer


async def _async_lines(entry: LLMEntry, known: int | None) -> AsyncIterator[bytes]:
    from asgiref.sync import sync_to_async

    done = []
    async for step in try_entry(entry, abilities=True):
        done.append(step)
        yield _line(step)
    await sync_to_async(remember)(known, done)


def _line(step: Step) -> bytes:
    return json.dumps(shown(step), ensure_ascii=False).encode() + b"\n"


def shown(step: Step) -> dict[str, str]:
    """The step in the reader's words."""
    return {
        "name": str(_TITLES.get(step.name, step.name)),
        "state": "good" if step.ok else "bad" if step.needed else "poor",
        "detail": step.detail,
        "time": words.seconds(step.seconds) if step.seconds else "",
        "cost": words.usd(step.cost) if step.cost is not None else "",
    }


def remember(known: int | None, steps: list[Step]) -> None:
    """Keep how the test of a stored entry ended; a form that is not saved has no row to keep it for."""
    if known is None or not steps:
        return
    failed = next((step for step in steps if not step.ok and step.needed), None)
    state = Trial.State.OK if failed is None else Trial.State.INVALID if failed.name == "key" else Trial.State.ERROR
    plain = [{**asdict(step), "cost": None if step.cost is None else str(step.cost)} for step in steps]
    Trial.objects.update_or_create(
        llm_id=known,
        defaults={
            "state": state, "detail": failed.detail[:500] if failed else "",
            "steps": plain, "tested_at": timezone.now(),
        },
    )  # fmt: skip
