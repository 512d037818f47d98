"""No plain key on an error page, in a debugger's or error tracker's variables, in a serializer or in a pickle."""

import pickle
from collections.abc import Callable
from traceback import walk_tb

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.forms.models import model_to_dict
from django.test import RequestFactory
from django.views.debug import technical_500_response

from creative_services.adapters import DjangoLLMRegistry
from django_app.llms.models import Llms

KEY = "sk-secret-" + "0123456789abcdef"  # in two parts: the page quotes the lines of this file as well
FIELDS = {"name": "one", "provider": "offline", "model_name": "echo", "tier": "economy"}
WRONG = {**FIELDS, "tier": "none such"}

pytestmark = pytest.mark.django_db


def new(**fields: str) -> Llms:
    return Llms(**{**FIELDS, "api_key": KEY, **fields})


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


FAILURES: dict[str, Callable[[], object]] = {
    "create": lambda: Llms.objects.create(**WRONG, api_key=KEY),
    "get_or_create": lambda: Llms.objects.get_or_create(name="x", defaults={**WRONG, "api_key": KEY}),
    "update_or_create": lambda: Llms.objects.update_or_create(name="x", defaults={**WRONG, "api_key": KEY}),
    "bulk_create": lambda: Llms.objects.bulk_create([new(tier="none such")]),
    "update": lambda: Llms.objects.all().update(api_key=KEY),
    "full_clean": lambda: new(tier="none such").full_clean(),
    "bulk_update": change_many,
    "save": change,
    "look up": look_up,
}


@pytest.mark.parametrize("name", FAILURES)
def test_the_page_with_all_variables_of_all_frames_shows_no_key(name: str) -> None:
    failures = (ValueError, IntegrityError, ValidationError, RuntimeError)
    with pytest.raises(failures) as caught, transaction.atomic():
        FAILURES[name]()
    page = technical_500_response(RequestFactory().get("/"), caught.type, caught.value, caught.tb).content.decode()
    assert "tests/django_app/llms/test_error_pages.py" in page
    assert KEY not in page
    # An error tracker shows what the page leaves out: whole values, of every frame but those that wrote the key down.
    frames = [frame for frame, _ in walk_tb(caught.tb) if frame.f_code.co_filename != __file__]
    assert KEY not in "".join(repr(value) for frame in frames for value in frame.f_locals.values())


def test_a_key_not_yet_saved_is_in_no_text_and_no_pickle() -> None:
    row = new()
    assert KEY not in f"{row!r} {row} {vars(row)} {model_to_dict(row)} {row.api_key}"
    assert KEY.encode() not in pickle.dumps(row)
    row.full_clean()
    row.save()
    assert KEY not in serializers.serialize("json", Llms.objects.all())
    assert row.as_entry().api_key.reveal() == KEY  # type: ignore[union-attr]  # it has one
