"""Code without a loop, code with one, threads, forks."""

import asyncio
import os
import subprocess
import sys
import threading

import pytest

from creative_services import ConfigurationError
from creative_services.llms.blocking import loop_thread, run_blocking
from creative_services.testing import Delayed, ScriptedProvider

from .conftest import entry


async def test_inside_a_running_loop(make_client):
    assert str(make_client(entry(1)).generate_sync("x", tier="standard")) == "a scripted answer"


def _client(provider: ScriptedProvider):
    from creative_services import DictRegistry, DynamicLLMClient

    return DynamicLLMClient(DictRegistry([entry(1)]), providers={"first": provider})


def test_pieces_and_leaving_early():
    provider = ScriptedProvider("one two three")
    client = _client(provider)
    texts = [piece.text for piece in client.stream_sync("x", tier="standard")]
    assert texts == ["one ", "two ", "three", ""]
    for _ in client.stream_sync("x", tier="standard"):
        break
    assert provider.cancelled == 1


def test_many_threads_share_one_loop():
    client, answers = _client(ScriptedProvider(Delayed(0.01, "here"))), []
    threads = [
        threading.Thread(target=lambda: answers.append(str(client.generate_sync("x", tier="standard"))))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["here"] * 20


def test_on_its_own_thread_it_refuses_instead_of_waiting_for_itself():
    async def inside():
        return run_blocking(asyncio.sleep(0))

    with pytest.raises(ConfigurationError, match="own loop thread"):
        run_blocking(inside())


def test_a_forked_child_starts_its_own_loop():
    client = _client(ScriptedProvider("here"))
    client.generate_sync("x", tier="standard")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, str(client.generate_sync("x", tier="standard")).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == b"here"
    os.close(reading)
    os.close(writing)


def test_the_callers_context_goes_along():
    from contextvars import ContextVar

    who = ContextVar("who", default="nobody")

    async def ask():
        return who.get()

    who.set("ada")
    assert loop_thread.run(ask()) == "ada"


_LEFT_BEHIND = """
from creative_services import DictRegistry, DynamicLLMClient, LLMEntry
from creative_services.testing import ScriptedProvider
entry = LLMEntry(id=1, name="m", provider="p", model="m", tier="standard")
client = DynamicLLMClient(DictRegistry([entry]), providers={"p": ScriptedProvider("one two three")})
pieces = client.stream_sync("x", tier="standard")
print(next(pieces))
"""
_TOO_LATE = """
import builtins, os
class Late:
    def __del__(self, client=client, write=os.write):
        try:
            client.generate_sync("x", tier="standard")
        except ValueError as error:
            write(1, str(error).encode())
# What hangs on the builtins goes last of all.
builtins.late = Late()
"""


def _end_of(script: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": "."},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_a_script_ends_although_it_holds_an_unread_stream():
    assert _end_of(_LEFT_BEHIND) == (0, "one \n", "")


def test_a_call_while_the_interpreter_ends_is_refused_instead_of_waiting_for_ever():
    code, out, err = _end_of(_LEFT_BEHIND + _TOO_LATE)
    assert (code, err) == (0, "")
    assert "while the interpreter ends" in out


def test_a_stream_collected_on_the_loops_own_thread_is_closed_there():
    provider = ScriptedProvider("one two three")
    pieces = _client(provider).stream_sync("x", tier="standard")
    next(pieces)

    async def collect():
        # What the garbage collector does when it happens to run on this thread.
        pieces.close()
        for _ in range(100):
            await asyncio.sleep(0)

    run_blocking(collect())
    assert provider.cancelled == 1
