"""Clients that others wrote, unchanged, in front of every kind of entry: nothing but an address, a key and a tier."""

import asyncio
import base64
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from creative_services.testing.vendors import Reply, ToolCall, VendorServer
from tests.server.house import KEY, House, more_entries

pytestmark = pytest.mark.thorough  # each starts a program

HERE = Path(__file__).parent
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
BOTH = [{"city": "Oslo"}, {"city": "Rome"}]
CALLS = Reply(text="Let me look.", tool_calls=[ToolCall("weather", each) for each in BOTH])

# What each program does, in this order, what the vendor says to it, and what the program must then have understood.
TALK: Mapping[str, tuple[Reply, Any]] = {
    "plain": (Reply(text="Hello there."), "Hello there."),
    "streamed": (Reply(text="Hello there."), "Hello there."),
    "called": (CALLS, BOTH),
    "answered": (Reply(text="It is sunny in both."), "It is sunny in both."),
    "called_streamed": (CALLS, BOTH),
    "structured": (Reply(json={"city": "Oslo"}), {"city": "Oslo"}),
    "seen": (Reply(text="A small picture."), "A small picture."),
}
TOLD = {name: expected for name, (_, expected) in TALK.items()}

# The name to ask for, and the model of the entry that must answer it: one entry of each dialect and kind.
ENTRIES = {
    "economy": "gpt-small", "standard": "claude-mid", "Fast": "llama-groq", "local": "llama3.2", "Other": "other",
}  # fmt: skip


@pytest.fixture
async def house(open_house: Any, vendor: VendorServer) -> House:
    opened: House = await open_house(extra=more_entries(vendor))
    return opened


async def ran(*command: str | Path, cwd: Path, environ: Mapping[str, str] | None = None, given: bytes = b"") -> str:
    """What a program prints; a program that fails fails the test with its own words."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *map(str, command), cwd=cwd, env={**inherited, "NO_PROXY": "*", **(environ or {})},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, complaints = await asyncio.wait_for(process.communicate(given), 120)
    assert process.returncode == 0, complaints.decode()
    return printed.decode()


def assert_understood(told: Mapping[str, Any], vendor: VendorServer, model: str) -> None:
    """The program understood everything that was said, and the vendor everything that was asked."""
    assert {name: value for name, value in told.items() if name in TOLD} == TOLD
    assert told["usage"]
    assert told["streamed_usage"]
    assert vendor.unused == 0
    asked = [seen.body for seen in vendor.requests if seen.model == model]
    assert len(asked) == len(TALK)
    assert "sunny" in json.dumps(asked[3])
    assert PICTURE in json.dumps(asked[6])


class TestNode:
    """OpenAI's and Anthropic's own SDKs for Node."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """The programs, beside the packages they import."""
        if shutil.which("node") is None:
            pytest.skip("node is not installed (Debian: nodejs)")
        packages = Path(os.environ.get("NODE_CALLERS") or HERE / "node") / "node_modules"
        if not packages.is_dir():
            pytest.skip("the SDKs for Node are not installed (npm ci in tests/server/callers/node, or NODE_CALLERS)")
        folder = tmp_path / "node"
        shutil.copytree(HERE / "node", folder, ignore=shutil.ignore_patterns("node_modules"))
        (folder / "node_modules").symlink_to(packages)
        return folder

    @pytest.mark.parametrize("asked", ENTRIES)
    @pytest.mark.parametrize("program", ["openai_chat", "openai_responses", "anthropic_messages"])
    async def test_every_entry(
        self, house: House, vendor: VendorServer, folder: Path, program: str, asked: str
    ) -> None:
        vendor.script_for(ENTRIES[asked], *(reply for reply, _ in TALK.values()))
        told = json.loads(await ran("node", f"{program}.mjs", house.url, KEY, asked, cwd=folder))
        assert_understood(told, vendor, ENTRIES[asked])
        assert told["entry"] == str(next(e.id for e in house.registry.list_active() if e.model == ENTRIES[asked]))
        if program != "openai_responses":
            assert told["models"]
            assert told["unknown"] == "NotFoundError"
        if program == "openai_chat":
            assert told["vectors"] == [8, 8]


@pytest.fixture
def their_python() -> Path:
    """A Python that has LangChain and llm, which bring too much along to live beside our own requirements."""
    named = os.environ.get("CALLERS_PYTHON")
    if named is None:
        pytest.skip("LangChain and llm are not installed (CALLERS_PYTHON names no Python that has them)")
    return Path(named)


class TestLangChain:
    @pytest.mark.parametrize("asked", ENTRIES)
    @pytest.mark.parametrize("kind", ["openai", "responses", "anthropic"])
    async def test_every_entry(
        self, house: House, vendor: VendorServer, their_python: Path, tmp_path: Path, kind: str, asked: str
    ) -> None:
        vendor.script_for(ENTRIES[asked], *(reply for reply, _ in TALK.values()))
        told = json.loads(
            await ran(their_python, HERE / "langchain_chat.py", kind, house.url, KEY, asked, cwd=tmp_path)
        )
        assert_understood(told, vendor, ENTRIES[asked])
        if kind == "openai":
            assert told["vectors"] == [8, 8]


LLM_MODEL = """
- model_id: {name}
  model_name: {name}
  api_base: {url}/v1
  api_key_name: gateway
  vision: true
  supports_schema: true
  supports_tools: true
"""
LLM_TOOLS = """
def weather(city: str) -> str:
    "The weather in a city."
    return f"sunny in {city}"
"""


class TestLLM:
    """The command-line program ``llm`` by Simon Willison."""

    @pytest.fixture
    def llm(self, their_python: Path, house: House, tmp_path: Path) -> Any:
        home = tmp_path / "llm"
        home.mkdir()
        (home / "extra-openai-models.yaml").write_text(
            "".join(LLM_MODEL.format(name=name, url=house.url) for name in ENTRIES)
        )
        (home / "keys.json").write_text(json.dumps({"gateway": KEY}))
        (tmp_path / "tools.py").write_text(LLM_TOOLS)
        (tmp_path / "dot.png").write_bytes(base64.b64decode(PICTURE))
        environ = {"LLM_USER_PATH": str(home)}
        return lambda *words: ran(their_python.with_name("llm"), *words, cwd=tmp_path, environ=environ)

    @pytest.mark.parametrize("asked", ENTRIES)
    async def test_every_entry(self, llm: Any, vendor: VendorServer, asked: str) -> None:
        vendor.script_for(ENTRIES[asked], *(reply for name, (reply, _) in TALK.items() if name != "called_streamed"))
        assert (await llm("hello", "-m", asked, "--no-stream", "--no-log")).strip() == TOLD["plain"]
        assert (await llm("hello", "-m", asked, "--no-log")).strip() == TOLD["streamed"]
        assert TOLD["answered"] in await llm("hello", "-m", asked, "--functions", "tools.py", "--no-log")
        answer = await llm("hello", "-m", asked, "--schema", json.dumps(SCHEMA), "--no-stream", "--no-log")
        assert json.loads(answer) == TOLD["structured"]
        assert (await llm("what?", "-m", asked, "-a", "dot.png", "--no-log")).strip() == TOLD["seen"]
        bodies = [json.dumps(seen.body) for seen in vendor.requests]
        assert "sunny in Oslo" in bodies[3]
        assert "sunny in Rome" in bodies[3]
        assert PICTURE in bodies[5]


class TestCurl:
    @pytest.fixture
    def curl(self, house: House, tmp_path: Path) -> Any:
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed (Debian: curl)")

        async def asked(
            path: str, body: Mapping[str, Any] | None = None, *options: str, media: str = "application/json"
        ) -> str:
            sent = ["-d", json.dumps(body)] if body is not None else []
            head = ["-H", f"Authorization: Bearer {KEY}", "-H", f"Content-Type: {media}"]
            return await ran("curl", "-sS", f"{house.url}{path}", *head, *options, *sent, cwd=tmp_path)

        return asked

    @pytest.mark.parametrize("asked", ENTRIES)
    async def test_every_entry_and_surface(self, curl: Any, vendor: VendorServer, asked: str) -> None:
        vendor.default = Reply(text="Hello there.")
        turns = [{"role": "user", "content": "hello"}]
        chat = await curl("/v1/chat/completions", {"model": asked, "messages": turns})
        assert json.loads(chat)["choices"][0]["message"]["content"] == "Hello there."
        message = await curl("/v1/messages", {"model": asked, "messages": turns, "max_tokens": 9})
        assert json.loads(message)["content"][0]["text"] == "Hello there."
        response = await curl("/v1/responses", {"model": asked, "input": "hello"})
        assert json.loads(response)["output"][-1]["content"][0]["text"] == "Hello there."
        stream = await curl("/v1/chat/completions", {"model": asked, "messages": turns, "stream": True}, "-N")
        assert stream.startswith("data: {")
        assert "data: [DONE]" in stream

    async def test_models_vectors_and_a_form_by_mistake(self, curl: Any) -> None:
        assert "economy" in [model["id"] for model in json.loads(await curl("/v1/models"))["data"]]
        assert len(json.loads(await curl("/v1/embeddings", {"model": "Vectors", "input": "x"}))["data"]) == 1
        # What `curl -d` sends when nobody says otherwise: the answer says what to add.
        form = await curl("/v1/chat/completions", {"model": "economy"}, media="application/x-www-form-urlencoded")
        assert "content-type: application/json" in json.loads(form)["error"]["message"]
