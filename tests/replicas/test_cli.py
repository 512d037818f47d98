"""The commands about replicas, as processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.replicas.service import ROOT, RoutingServer

Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def command() -> Iterator[Run]:
    """Starts a command; it is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> "subprocess.Popen[str]":
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        arguments = [sys.executable, "-m", "creative_services", "replicas", *words]
        started.append(subprocess.Popen(arguments, env=environment, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def told(process: "subprocess.Popen[str]") -> str:
    output, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    return output


def test_registered_watched_and_gone_at_a_service(routing: RoutingServer, command: Run) -> None:
    watching = command("watch", routing.url, "--json")
    replica = command("register", routing.url, "h:1", "model=qwen2", "gpus=2", "version=1.10", "--id", "r")
    assert watching.stdout
    event = json.loads(watching.stdout.readline())
    assert (event["event"], event["replica_id"]) == ("registered", "r")
    assert event["capabilities"] == [{"model": "qwen2", "gpus": 2, "version": "1.10"}]
    assert json.loads(told(command("summary", routing.url, "--json"))) == {"qwen2": 1}
    assert "model=qwen2 gpus=2" in told(command("detail", routing.url))
    replica.send_signal(signal.SIGTERM)
    assert json.loads(watching.stdout.readline())["event"] == "gone"


def test_registered_in_a_store_until_interrupted(tmp_path: Path, command: Run) -> None:
    roster = str(tmp_path / "roster")
    replica = command("register", roster, "http://h:1", "model_path=m")
    assert replica.stderr
    assert "is registered" in replica.stderr.readline()
    assert json.loads(told(command("summary", roster, "--json"))) == {"m": 1}
    replica.send_signal(signal.SIGINT)
    replica.communicate(timeout=30)
    assert json.loads(told(command("summary", roster, "--json"))) == {}


def test_a_mistake_is_one_line(command: Run) -> None:
    for words, said in (
        (("summary", "http://127.0.0.1:9"), "could not be asked"),
        (("register", "http://127.0.0.1:9", "h:1", "nonsense"), "name=value"),
        (("serve", "--store", "ftp://x"), "No store is opened by ftp:"),
    ):
        process = command(*words)
        _, error = process.communicate(timeout=60)
        assert process.returncode
        assert said in error
        assert "Traceback" not in error


def test_a_port_that_is_taken_says_so(routing: RoutingServer, command: Run) -> None:
    process = command("serve", "--port", str(routing.port))
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Choose another --port" in error


def test_serve_ends_in_time_although_replicas_are_connected(routing: RoutingServer, command: Run) -> None:
    command("register", routing.url, "h:1", "model=m")
    end = time.monotonic() + 30
    while routing.ask("/route?model=m")[0] != 200:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert routing.process
    os.killpg(routing.process.pid, signal.SIGTERM)
    routing.process.wait(20)
