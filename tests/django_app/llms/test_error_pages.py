"""No plain key on an error page, in a debugger's or error tracker's variables, in a serializer or in a pickle."""

import pickle
from collections.abc import Awaitable, Callable
from traceback import walk_tb
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.forms.models import model_to_dict
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.views.debug import technical_500_response

from creative_services.adapters import DjangoLLMRegistry
from creative_services.core.secrets import Secret
from django_app.llms.models import Llms

KEY = "sk-secret-" + "0123456789abcdef"  # in two parts: the page quotes the lines of this file as well
FIELDS = {"name": "one", "provider": "offline", "model_name": "echo", "tier": "economy"}
WRONG = {**FIELDS, "tier": "none such"}
NEW = {**WRONG, "api_key": KEY}

pytestmark = pytest.mark.django_db


def new(**fields: str) -> Llms:
    return Llms(**{**FIELDS, "api_key": KEY, **fields})


def run(door: Callable[[], Awaitable[Any]]) -> Any:
    async def walk() -> Any:
        return await door()

    return async_to_sync(walk)()


def change() -> None:
    row = Llms.objects.create(**FIELDS, api_key=KEY)
    row.api_key, row.tier = KEY, "none such"
    row.save()


def change_many() -> None:
    row = Llms.objects.create(**FIELDS)
    row.api_key = KEY
    Llms.objects.bulk_update([row], ["api_key"])


def look_up() -> None:
    row = Llms.objects.create(**FIELDS, api_key=KEY)
    registry = DjangoLLMRegistry()
    seen = (row, registry.get_by_id(row.pk), registry.list_active(), vars(row))
    raise RuntimeError(len(seen))


Door = Callable[[Any], Any]

# Each is tried on the manager and on a queryset, which are two ways through Django.
DOORS: dict[str, Door] = {
    "create": lambda table: table.create(**NEW),
    "get_or_create": lambda table: table.get_or_create(name="x", defaults=NEW),
    "get_or_create, plain": lambda table: table.get_or_create(**NEW),
    "update_or_create": lambda table: table.update_or_create(name="x", defaults=NEW),
    "update_or_create, new": lambda table: table.update_or_create({}, NEW, name="x"),
    "bulk_create": lambda table: table.bulk_create([new(tier="none such")]),
    "update": lambda table: table.update(api_key=KEY),
    "acreate": lambda table: run(lambda: table.acreate(**NEW)),
    "aget_or_create": lambda table: run(lambda: table.aget_or_create(NEW, name="x")),
    "aget_or_create, plain": lambda table: run(lambda: table.aget_or_create(**NEW)),
    "aupdate_or_create": lambda table: run(lambda: table.aupdate_or_create(name="x", defaults=NEW)),
    "aupdate_or_create, new": lambda table: run(lambda: table.aupdate_or_create({}, NEW, name="x")),
    "abulk_create": lambda table: run(lambda: table.abulk_create([new(tier="none such")])),
    "aupdate": lambda table: run(lambda: table.aupdate(api_key=KEY)),
}
TABLES: dict[str, Callable[[], Any]] = {"manager": lambda: Llms.objects, "queryset": Llms.objects.all}
FAILURES: dict[str, Callable[[], object]] = {
    "full_clean": lambda: new(tier="none such").full_clean(),
    "bulk_update": change_many,
    "save": change,
    "look up": look_up,
}


@pytest.mark.parametrize("name", FAILURES)
def test_the_page_with_all_variables_of_all_frames_shows_no_key(name: str, caplog: pytest.LogCaptureFixture) -> None:
    fails_without_showing_the_key(FAILURES[name], caplog)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("door", DOORS)
def test_no_door_shows_the_key(door: str, table: str, caplog: pytest.LogCaptureFixture) -> None:
    Llms.objects.create(**FIELDS)
    fails_without_showing_the_key(lambda: DOORS[door](TABLES[table]()), caplog)


def fails_without_showing_the_key(act: Callable[[], object], caplog: pytest.LogCaptureFixture) -> None:
    failures = (ValueError, IntegrityError, ValidationError, RuntimeError)
    caplog.set_level("DEBUG")
    with pytest.raises(failures) as caught, transaction.atomic(), CaptureQueriesContext(connection) as queries:
        act()
    page = technical_500_response(RequestFactory().get("/"), caught.type, caught.value, caught.tb).content.decode()
    assert "tests/django_app/llms/test_error_pages.py" in page
    assert KEY not in page
    assert KEY not in f"{caplog.text}{queries.captured_queries}"
    # An error tracker shows what the page leaves out: whole values, of every frame but those that wrote the key down.
    frames = [frame for frame, _ in walk_tb(caught.tb) if frame.f_code.co_filename != __file__]
    assert KEY not in "".join(repr(value) for frame in frames for value in frame.f_locals.values())


SAVES: dict[str, Door] = {
    "create": lambda table: table.create(**FIELDS, api_key=KEY),
    "acreate": lambda table: run(lambda: table.acreate(**FIELDS, api_key=KEY)),
    "aget_or_create": lambda table: run(lambda: table.aget_or_create(name="x", defaults={**FIELDS, "api_key": KEY})),
    "aupdate_or_create": lambda table: run(lambda: table.aupdate_or_create({"api_key": KEY}, **FIELDS)),
    "abulk_create": lambda table: run(lambda: table.abulk_create([new()])),
    "asave": lambda _: run(new().asave),
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("door", SAVES)
def test_each_door_seals_the_key(door: str, table: str) -> None:
    SAVES[door](TABLES[table]())
    assert Llms.objects.get().api_key.startswith("v1$")
    assert Llms.objects.get().as_entry().api_key == Secret(KEY)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("door", DOORS)
def test_no_template_may_use_a_door(door: str, table: str) -> None:
    assert getattr(TABLES[table](), door.partition(",")[0]).alters_data


def test_a_key_not_yet_saved_is_in_no_text_and_no_pickle() -> None:
    row = new()
    assert KEY not in f"{row!r} {row} {vars(row)} {model_to_dict(row)} {row.api_key}"
    assert KEY.encode() not in pickle.dumps(row)
    row.full_clean()
    row.save()
    assert KEY not in serializers.serialize("json", Llms.objects.all())
    assert row.as_entry().api_key.reveal() == KEY  # type: ignore[union-attr]  # it has one
