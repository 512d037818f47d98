"""Keys: sealed or by reference, never plain; and an error that says what to do instead of a crash."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import override_settings

from creative_services.core.errors import ConfigurationError
from creative_services.core.secrets import Secret
from django_app.llms.keys import resolving, sealing
from django_app.llms.keys.reading import read_key
from django_app.llms.keys.sealing import new_master_key, seal, unseal
from django_app.llms.keys.written import Kind, kind_of, source_of
from django_app.llms.models import Llms

PLAIN = "sk-test-key-0123456789"
OLD, NEW = new_master_key(), new_master_key()


def keyed(*keys: str, **more: Any) -> Any:
    return override_settings(CREATIVE_SERVICES={"ENCRYPTION_KEYS": list(keys), **more})


@pytest.fixture
def _new_key() -> Iterator[None]:
    with keyed(NEW):
        yield


with_new_key = pytest.mark.usefixtures("_new_key")


def make(name: str = "one", **fields: Any) -> Llms:
    return Llms.objects.create(name=name, provider="openai", model_name="m", tier="standard", **fields)


def stored(row: Llms) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM creative_services_llms WHERE id = %s", [row.pk])
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", Kind.NONE),
        (None, Kind.NONE),
        ("env:OPENAI_API_KEY", Kind.REFERENCE),
        ("file:/run/secrets/key", Kind.REFERENCE),
        ("v1$0123abcd$" + "A" * 40, Kind.SEALED),
        (PLAIN, Kind.PLAIN),
        ("user:password", Kind.PLAIN),
        ("env:", Kind.PLAIN),
        ("v1$nonsense", Kind.PLAIN),
    ],
)
def test_four_kinds_of_text(text: str | None, kind: Kind) -> None:
    assert kind_of(text) is kind


def test_the_source_of_a_key_never_shows_it() -> None:
    assert source_of("env:OPENAI_API_KEY") == "env:OPENAI_API_KEY"
    assert source_of(PLAIN) == "plain"
    assert source_of("v1$0123abcd$" + "A" * 40) == "sealed"


@with_new_key
def test_a_sealed_key_opens_only_for_its_row() -> None:
    token = seal(PLAIN, 7)
    assert PLAIN not in token
    assert unseal(token, 7, owner="entry 7").reveal() == PLAIN
    with pytest.raises(ConfigurationError, match="copied from another row") as refused:
        unseal(token, 8, owner="entry 8")
    assert token not in str(refused.value)


@with_new_key
def test_the_same_key_never_looks_the_same_twice() -> None:
    assert seal(PLAIN, 7) != seal(PLAIN, 7)


@with_new_key
@pytest.mark.parametrize(
    "spoil",
    [lambda t: t[:-6] + "AAAA==", lambda t: t[:14] + "A", lambda t: t[:20] + ("B" if t[20] == "A" else "A") + t[21:]],
)
def test_a_damaged_token_says_so(spoil: Any) -> None:
    with pytest.raises(ConfigurationError, match="does not open"):
        unseal(spoil(seal(PLAIN, 7)), 7, owner="entry 7")


def test_any_of_several_master_keys_opens_and_the_first_one_seals() -> None:
    with keyed(OLD):
        token = seal(PLAIN, 7)
    with keyed(NEW, OLD):
        assert unseal(token, 7, owner="entry 7").reveal() == PLAIN
        assert not sealing.sealed_with_newest(token)
        assert sealing.sealed_with_newest(seal(PLAIN, 7))
    with keyed(NEW), pytest.raises(ConfigurationError, match="is not in CREATIVE_SERVICES"):
        unseal(token, 7, owner="entry 7")


@pytest.mark.parametrize("wrong", ["short", base64.urlsafe_b64encode(b"x" * 16).decode(), "é" * 44])
def test_a_malformed_master_key_is_named_by_its_place_and_not_shown(wrong: str) -> None:
    with keyed(NEW, wrong), pytest.raises(ConfigurationError, match="Number 2 of") as refused:
        seal(PLAIN, 7)
    assert wrong not in str(refused.value)


@pytest.mark.django_db
@with_new_key
class TestRows:
    def test_create_seals_a_plain_key(self) -> None:
        row = make(api_key=PLAIN)
        assert stored(row).startswith("v1$")
        assert row.api_key == stored(row)
        assert Llms.objects.get().as_entry().api_key.reveal() == PLAIN  # type: ignore[union-attr]  # it has one
        assert row.api_key_changed_at is not None

    def test_a_row_with_a_chosen_id_is_sealed_to_it(self) -> None:
        row = make(pk=4711, api_key=PLAIN)
        assert row.as_entry().api_key.reveal() == PLAIN  # type: ignore[union-attr]  # it has one

    def test_bulk_create_seals_too(self) -> None:
        rows = Llms.objects.bulk_create(
            [Llms(name=n, provider="openai", model_name="m", tier="standard", api_key=PLAIN + n) for n in ("a", "b")]
            + [Llms(name="c", provider="openai", model_name="m", tier="standard", api_key="env:OPENAI_API_KEY")]
        )
        assert [stored(row)[:3] for row in rows] == ["v1$", "v1$", "env"]
        assert [read_key(stored(row), row.pk, owner="x").reveal() for row in rows[:2]] == [PLAIN + "a", PLAIN + "b"]  # type: ignore[union-attr]

    def test_bulk_create_that_forgets_its_rows_cannot_seal(self) -> None:
        row = Llms(name="a", provider="openai", model_name="m", tier="standard", api_key=PLAIN)
        with pytest.raises(ConfigurationError, match="ignore_conflicts"):
            Llms.objects.bulk_create([row], ignore_conflicts=True)
        assert row.api_key == Secret(PLAIN)
        assert not Llms.objects.exists()

    def test_saving_again_keeps_the_token_and_its_age(self) -> None:
        row = make(api_key=PLAIN)
        token, age = row.api_key, row.api_key_changed_at
        again = Llms.objects.get()
        again.name = "two"
        again.save()
        assert (stored(again), again.api_key_changed_at) == (token, age)

    def test_a_new_key_replaces_the_old_one(self) -> None:
        row = make(api_key=PLAIN)
        row.api_key = PLAIN + "-new"
        row.save()
        assert row.as_entry().api_key.reveal() == PLAIN + "-new"  # type: ignore[union-attr]  # it has one

    def test_a_copied_row_does_not_take_the_key_along(self) -> None:
        row = make(api_key=PLAIN)
        row.pk, row.name, row._state.adding = None, "copy", True
        row.save()
        with pytest.raises(ConfigurationError, match="copied from another row"):
            row.as_entry()

    def test_the_hint_shows_four_characters(self) -> None:
        assert make(api_key=PLAIN).key_hint == "****6789"
        assert make("two").key_hint == ""


@pytest.mark.django_db
def test_without_a_master_key_a_plain_key_is_refused_and_nothing_is_left_behind() -> None:
    row = Llms(name="one", provider="openai", model_name="m", tier="standard", api_key=PLAIN)
    with keyed(), pytest.raises(ConfigurationError, match="ENCRYPTION_KEYS"):
        row.save()
    assert not Llms.objects.exists()
    with keyed(NEW):
        row.save()
        assert row.as_entry().api_key.reveal() == PLAIN  # type: ignore[union-attr]  # it has one


class TestReferences:
    def test_a_variable_on_the_list(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LLM_KEY_ONE", PLAIN)
        assert resolving.resolve("env:LLM_KEY_ONE", owner="x").reveal() == PLAIN

    def test_a_variable_that_is_not_on_the_list(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DJANGO_SECRET_KEY", PLAIN)
        with pytest.raises(ConfigurationError, match="allow-list"):
            resolving.resolve("env:DJANGO_SECRET_KEY", owner="x")

    def test_a_variable_that_is_not_set(self) -> None:
        with pytest.raises(ConfigurationError, match="LLM_KEY_TWO, which is not set"):
            resolving.resolve("env:LLM_KEY_TWO", owner="x")

    def test_a_file_in_an_allowed_directory(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text(PLAIN + "\n")
        with keyed(FILE_ALLOW=[str(tmp_path)]):
            assert resolving.resolve(f"file:{tmp_path}/key", owner="x").reveal() == PLAIN

    def test_a_file_elsewhere_is_not_read(self, tmp_path: Path) -> None:
        (tmp_path / "allowed").mkdir()
        (tmp_path / "key").write_text(PLAIN)
        (tmp_path / "allowed" / "link").symlink_to(tmp_path / "key")
        with keyed(FILE_ALLOW=[str(tmp_path / "allowed")]):
            for path in ("key", "allowed/../key", "allowed/link"):
                with pytest.raises(ConfigurationError, match="no allowed directory"):
                    resolving.resolve(f"file:{tmp_path}/{path}", owner="x")

    def test_an_installed_resolver(self, a_vault: None) -> None:
        assert kind_of("vault:team/openai") is Kind.REFERENCE
        assert resolving.resolve("vault:team/openai", owner="x").reveal() == "key of team/openai"
        with pytest.raises(ConfigurationError, match="has no key"):
            resolving.resolve("vault:", owner="x")

    def test_text_of_an_unknown_kind_is_not_quoted(self) -> None:
        with pytest.raises(ConfigurationError, match="neither a sealed key nor a reference") as refused:
            read_key("my:plainkey", 1, owner="entry 1")
        assert "plainkey" not in str(refused.value)


def vault(path: str) -> str:
    return f"key of {path}" if path else ""


@pytest.fixture
def a_vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from importlib.metadata import EntryPoint

    point = EntryPoint("vault", f"{__name__}:vault", resolving.GROUP)
    monkeypatch.setattr(resolving, "entry_points", lambda group: [point] if group == resolving.GROUP else [])
    resolving.installed.cache_clear()
    yield
    resolving.installed.cache_clear()


@pytest.mark.django_db
class TestANewHostAsksForTheKeyAgain:
    @pytest.fixture(autouse=True)
    def _keyed(self) -> Iterator[None]:
        with keyed(NEW, ENDPOINT_ALLOW=["127.0.0.0/8"]):
            yield

    def moved(self, endpoint: str, **fields: Any) -> Llms:
        make(api_endpoint="http://127.0.0.1:1/v1", **fields)
        row = Llms.objects.get()
        row.api_endpoint = endpoint
        return row

    def test_a_sealed_key_does_not_follow(self) -> None:
        row = self.moved("http://127.0.0.2:1/v1", api_key=PLAIN)
        with pytest.raises(ValidationError, match="enter the API key again"):
            row.full_clean()
        row.api_key = PLAIN
        row.full_clean()

    def test_a_reference_does_not_follow_until_it_is_confirmed(self) -> None:
        row = self.moved("http://127.0.0.2:1/v1", api_key="env:OPENAI_API_KEY")
        with pytest.raises(ValidationError, match="enter the API key again"):
            row.full_clean()
        row.confirm_key()
        row.full_clean()

    @pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1/v2", "HTTP://127.0.0.1:1", "127.0.0.1:1"])
    def test_another_path_is_no_new_address(self, endpoint: str) -> None:
        self.moved(endpoint, api_key=PLAIN).full_clean()

    @pytest.mark.parametrize("endpoint", ["https://127.0.0.1:1/v1", "http://127.0.0.1:2/v1", "http://127.0.0.1/v1", ""])
    def test_another_scheme_or_port_of_the_host_is_a_new_address(self, endpoint: str) -> None:
        with pytest.raises(ValidationError, match="enter the API key again"):
            self.moved(endpoint, api_key=PLAIN).full_clean()

    def test_without_an_endpoint_the_provider_is_the_address(self) -> None:
        row = make(api_key=PLAIN)
        row.provider = "groq"
        with pytest.raises(ValidationError, match="enter the API key again"):
            row.full_clean()

    def test_with_an_endpoint_the_provider_is_only_its_language(self) -> None:
        row = self.moved("http://127.0.0.1:1/v1", api_key=PLAIN)
        row.provider = "groq"
        row.full_clean()

    def test_without_a_key_nothing_is_asked(self) -> None:
        self.moved("http://127.0.0.2:1/v1").full_clean()
