"""The server's own life: threads, loops, scripts, endings of model names, its memory, its command line."""

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from typing import Any

import pytest

from creative_services.testing.vendors import Fault, Reply, VendorServer
from creative_services.testing.vendors.desk import Desk
from creative_services.testing.vendors.http1 import Request


def chat(url: str, model: str = "gpt-4o-mini", **more: Any) -> tuple[int, str]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        messages = [{"role": "user", "content": "hi"}]
        connection.request("POST", "/v1/chat/completions", json.dumps({"model": model, "messages": messages, **more}))
        answer = connection.getresponse()
        body = json.loads(answer.read())
        return answer.status, body["choices"][0]["message"]["content"] if answer.status == 200 else ""
    finally:
        connection.close()


def test_scripts_are_taken_in_order_and_then_the_default_again() -> None:
    with VendorServer(default=Reply(text="default")) as server:
        server.script(Reply(text="one"), Fault.status(503), Reply(text="two"))
        server.script_for("other", Fault.status(429))
        assert server.unused == 4
        assert chat(server.url, "other") == (429, "")
        assert [chat(server.url) for _ in range(4)] == [(200, "one"), (503, ""), (200, "two"), (200, "default")]
        server.default = Reply(text="changed")
        assert chat(server.url) == (200, "changed")


def test_the_ending_of_a_models_name_asks_for_a_fault() -> None:
    with VendorServer() as server:
        server.script(Reply(text="scripted"))
        assert [chat(server.url, f"m-{status}")[0] for status in (401, 429, 500)] == [401, 429, 500]
        with pytest.raises(http.client.RemoteDisconnected):
            chat(server.url, "m-drop")
        assert chat(server.url) == (200, "scripted")


def test_clear_forgets_everything() -> None:
    with VendorServer() as server:
        server.script(Fault.status(500))
        server.script_for("m", Fault.status(500))
        server.require_keys({"sk"})
        assert chat(server.url)[0] == 401
        server.clear()
        assert (server.requests, server.unused, chat(server.url)[0]) == ([], 0, 200)


def test_an_address_before_the_start_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match="start it with"):
        _ = VendorServer().url


# Many times, as a server that closes just when a client connects once forgot that client.
@pytest.mark.parametrize("attempt", range(30))
def test_after_closing_nobody_listens_and_no_thread_is_left(attempt: int) -> None:
    held: list[http.client.HTTPConnection] = []
    with VendorServer(default=Reply(delay=60)) as server:
        for _ in range(5):
            held.append(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10))
            held[-1].request("GET", "/v1/models")
    for connection in held:
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            connection.getresponse()
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        chat(server.url)
    assert not [thread for thread in threading.enumerate() if thread.name == "vendor-server"]


def test_a_port_in_use_is_told_to_whoever_starts_the_server() -> None:
    with VendorServer() as server, pytest.raises(OSError, match="address already in use"):
        VendorServer(port=int(server.url.rpartition(":")[2])).start()
    with pytest.raises(ValueError, match="port 70000 does not exist"):
        VendorServer(port=70_000)


def test_waiting_for_requests_that_do_not_come_ends_in_an_error() -> None:
    with VendorServer() as server:
        chat(server.url)
        assert len(server.wait_requests(1)) == 1
        with pytest.raises(TimeoutError, match="1 of 2 requests"):
            server.wait_requests(2, 0.01)


async def test_it_runs_in_the_running_loop_too() -> None:
    async with VendorServer() as server:
        assert await asyncio.to_thread(chat, server.url) == (200, "Hello from gpt-4o-mini.")
        server.script(Fault.hang())
        reader, writer = await asyncio.open_connection(*server.url.removeprefix("http://").split(":"))
        writer.write(b"GET /v1/models HTTP/1.1\r\n\r\n")
        await server.arrived(2)
        with pytest.raises(RuntimeError, match=r"await server\.cancelled"):
            server.wait_cancelled(0)
        writer.close()
        assert (await server.cancelled()).path == "/v1/models"
        assert await reader.read() == b""


def test_waiting_for_a_client_that_stays_ends_in_an_error() -> None:
    with VendorServer() as server, pytest.raises(TimeoutError, match="No client went away"):
        server.wait_cancelled(0.01)


def test_a_cancelled_request_is_handed_out_once() -> None:
    with VendorServer() as server:
        server.script(Fault.hang())
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
        connection.request("GET", "/v1/models")
        server.wait_requests()
        connection.close()
        assert server.wait_cancelled(10).cancelled_at is not None
        with pytest.raises(TimeoutError):
            server.wait_cancelled(0)


def test_only_the_last_requests_are_remembered() -> None:
    with VendorServer(remember=2) as server:
        for model in "abc":
            chat(server.url, model)
        assert [seen.model for seen in server.requests] == ["b", "c"]


def test_thousands_of_requests_do_not_grow_memory() -> None:
    desk = Desk(default=Reply(), remember=100)

    def ask(start: int, stop: int) -> None:
        for number in range(start, stop):
            # Every prompt has another length, so every answer is rendered anew and none may pile up.
            body = {"model": f"m{number}", "messages": [{"role": "user", "content": "x" * (number % 500)}]}
            desk.receive(
                Request(method="POST", path="/v1/chat/completions", headers={}, body=json.dumps(body).encode())
            )

    tracemalloc.start()
    try:
        ask(0, 2048)
        before = tracemalloc.get_traced_memory()[0]
        ask(2048, 6144)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 200_000


def test_the_same_question_is_rendered_once_and_told_apart_by_its_id() -> None:
    with VendorServer() as server:
        ids = set()
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
        for _ in range(3):
            body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
            connection.request("POST", "/v1/chat/completions", body)
            ids.add(json.loads(connection.getresponse().read())["id"])
        connection.close()
        assert ids == {f"chatcmpl-{seen.request_id}" for seen in server.requests}
        assert len(ids) == 3


def run(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "creative_services.testing.vendors", *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_of_its_own_it_prints_its_address_and_ends_when_told(number: signal.Signals) -> None:
    with run("--port", "0", "--text", "from the command line") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            assert chat(url) == (200, "from the command line")
            assert chat(url, "m-503")[0] == 503
        finally:
            process.send_signal(number)
            _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def test_wrong_options_are_said_without_a_traceback() -> None:
    for options in (["--port", "70000"], ["--port", "high"], ["--chunks", "0"]):
        with run(*options) as process:
            _, errors = process.communicate(timeout=20)
        assert process.returncode == 2
        assert "must be" in errors
        assert "Traceback" not in errors


def test_a_port_in_use_is_said_without_a_traceback() -> None:
    with VendorServer() as server, run("--port", server.url.rpartition(":")[2]) as process:
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (1, "")
    assert "Choose another port" in errors
    assert "Traceback" not in errors
