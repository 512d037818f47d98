"""Providers come by name; what is missing says how to get it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from creative_services import providers
from creative_services.core.completions import Completion, Piece, Request
from creative_services.core.errors import BadRequestError, MissingDependencyError, UnknownProviderError
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.provider import Provider
from creative_services.providers import known_providers, load_provider, warm_up
from creative_services.providers.vendors import VENDORS
from creative_services.testing.vendors import VendorServer
from tests.providers.conftest import MakeEntry


def test_an_unknown_name_says_which_are_known() -> None:
    with pytest.raises(UnknownProviderError, match=r"'opnai'.*anthropic, .*groq.*openai"):
        load_provider("opnai")


@pytest.mark.parametrize("name", sorted({*known_providers()}))
def test_every_known_name_loads(name: str) -> None:
    assert isinstance(load_provider(name), Provider)


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("openai", "openai", "openai"),
        ("anthropic", "anthropic", "anthropic"),
        ("groq", "groq", "groq"),
        ("ollama", "aiohttp", "http"),
        ("mistral", "aiohttp", "http"),
    ],
)
def test_a_missing_driver_names_the_extra(name: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    for module in list(sys.modules):
        if module.startswith("creative_services.providers._http"):
            monkeypatch.delitem(sys.modules, module)
    for module in ("ollama", "compatible"):
        monkeypatch.delitem(sys.modules, f"creative_services.providers.{module}", raising=False)
    with pytest.raises(MissingDependencyError, match=rf"creative-services\[{extra}\]"):
        load_provider(name)


def test_nothing_foreign_is_imported_before() -> None:
    program = (
        "import sys; import creative_services.providers as p; p.known_providers(); p.load_provider('offline');"
        "foreign = {'openai', 'anthropic', 'groq', 'aiohttp', 'httpx', 'httpx2', 'pydantic', 'asyncio'};"
        "foreign &= {*sys.modules};"
        "assert not foreign, foreign"
    )
    root = str(Path(__file__).parents[2])
    run = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


class Mine:
    """A stranger's provider."""

    async def generate(self, entry: LLMEntry, request: Request) -> Completion:
        return Completion(content="mine")

    async def stream(self, entry: LLMEntry, request: Request) -> AsyncIterator[Piece | Completion]:
        yield Completion(content="mine")

    async def aclose(self) -> None: ...


def _registered(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    point = EntryPoint("mine", f"{__name__}:{target}", providers.GROUP)
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Mine.__module__])
    monkeypatch.setattr(providers, "_points", lambda: [point])


def test_a_stranger_s_provider_comes_through_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    _registered(monkeypatch, "Mine")
    assert isinstance(load_provider("mine"), Mine)
    assert "mine" in known_providers()


def test_a_stranger_that_is_no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    _registered(monkeypatch, "Path")
    with pytest.raises(UnknownProviderError, match="lacks one of generate, stream and aclose"):
        load_provider("mine")


def test_warming_up_imports() -> None:
    warm_up(["openai", "openai", "ollama"])
    assert "openai" in sys.modules


# The rows of vendors


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS)
def test_a_row_is_complete(vendor: Any) -> None:
    if vendor.name == "compatible":
        assert vendor.base_url is None
    else:
        assert vendor.base_url.startswith(("https://", "http://127.0.0.1:"))
        assert not vendor.base_url.endswith("/")
        assert (vendor.key_variable is None) == vendor.base_url.startswith("http://127.")


def _ask(name: str, entry: LLMEntry) -> Completion:
    request = Request(messages=({"role": "user", "content": "hi"},))
    return asyncio.run(load_provider(name).generate(entry, request))


def test_compatible_demands_an_endpoint(make_entry: MakeEntry) -> None:
    with pytest.raises(BadRequestError, match="needs an api_endpoint, such as"):
        _ask("compatible", make_entry("compatible", api_endpoint=None))


@pytest.mark.parametrize("name", ["openai", "anthropic", "groq", "compatible"])
@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://", "nonsense"])
def test_an_endpoint_that_is_no_url(name: str, url: str, make_entry: MakeEntry) -> None:
    with pytest.raises(BadRequestError, match="http"):
        _ask(name, make_entry(name, api_endpoint=url))


@pytest.mark.parametrize("name", ["openai", "anthropic", "groq", "mistral"])
def test_no_key_says_so_without_asking_the_vendor(name: str, make_entry: MakeEntry) -> None:
    with pytest.raises(Exception, match="no api_key is set"):
        _ask(name, make_entry(name, api_key=None, api_endpoint=None))


@pytest.mark.parametrize(
    ("name", "variable"),
    [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY"), ("groq", "GROQ_API_KEY")],
)
def test_a_key_of_the_environment_never_reaches_another_endpoint(
    name: str, variable: str, server: VendorServer, make_entry: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "sk-of-the-environment")
    assert _ask(name, make_entry(name, api_key=None)).content
    assert "sk-of-the-environment" not in str(server.requests[-1].headers)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("openai", "/v1"),
        ("openai", ""),
        ("anthropic", "/v1"),
        ("groq", "/openai/v1"),
        ("ollama", "/api"),
        ("ollama", "/v1/"),
    ],
)
def test_either_spelling_of_an_endpoint(name: str, path: str, server: VendorServer, make_entry: MakeEntry) -> None:
    assert _ask(name, make_entry(name, api_endpoint=server.url + path)).content


@pytest.mark.parametrize("name", ["openai", "anthropic", "groq", "compatible"])
def test_headers_of_an_entry_travel(name: str, server: VendorServer, make_entry: MakeEntry) -> None:
    _ask(name, make_entry(name, options={"headers": {"x-team": "blue"}}))
    assert server.requests[-1].headers["x-team"] == "blue"


def test_without_aiohttp_the_sdks_use_their_own_transport(
    make_entry: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    import openai

    def missing(**_: Any) -> None:
        raise RuntimeError("install the aiohttp extra")

    monkeypatch.setattr(openai, "DefaultAioHttpClient", missing)
    assert _ask("openai", make_entry()).content == "Hello from model."
