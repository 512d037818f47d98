"""``import creative_services`` costs what the standard library costs, and nothing it does not use.

This file also runs against a bare install of the wheel, so it leans on nothing beside pytest.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

import creative_services

# What a program that only wants the door must not pay for: asyncio alone is 35 ms of a bare interpreter's 8.
HEAVY = {"asyncio", "ssl", "socket", "http", "urllib", "logging", "email", "json", "inspect", "decimal"}

# Both built into the interpreter, so that the probe itself loads nothing it could then miss.
PROBE = """
import sys, time
before = set(sys.modules)
started = time.process_time()
{statement}
spent = time.process_time() - started
loaded = sorted(set(sys.modules) - before)
import json
print(json.dumps(dict(milliseconds=round(spent * 1000, 2), loaded=loaded)))
"""


def fresh(statement: str) -> dict[str, Any]:
    """What ``statement`` loads in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(statement=statement)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    roots = {name.partition(".")[0] for name in told["loaded"]}
    return {**told, "foreign": sorted(roots - sys.stdlib_module_names - {"creative_services"})}


def test_the_door_loads_nothing_foreign_and_nothing_heavy() -> None:
    told = fresh("import creative_services")
    print(f"import creative_services: {told['milliseconds']} ms of CPU, {len(told['loaded'])} modules")
    assert told["foreign"] == []
    assert not HEAVY & set(told["loaded"])


def test_the_nouns_come_without_an_event_loop() -> None:
    told = fresh("from creative_services import LLMEntry, LLMTier, Needs, Budget, Usage")
    print(f"the nouns: {told['milliseconds']} ms of CPU, {len(told['loaded'])} modules")
    assert told["foreign"] == []
    assert "asyncio" not in told["loaded"]


def test_every_public_name_resolves_without_a_third_party_module() -> None:
    told = fresh("import creative_services as c; [getattr(c, name) for name in c.__all__]")
    print(f"every public name: {told['milliseconds']} ms of CPU, {len(told['loaded'])} modules")
    assert told["foreign"] == []


def test_the_door_names_what_it_does_not_have() -> None:
    with pytest.raises(AttributeError, match="DynamicClient"):
        creative_services.DynamicClient  # noqa: B018 - the look-up is the test


LISTENING = """
import sys
heard = []
# An audit hook sees every resolver and socket call of the process, whoever makes it.
sys.addaudithook(lambda event, args: heard.append(event) if event.startswith(("socket.", "urllib.")) else None)
import creative_services
for name in creative_services.__all__:
    getattr(creative_services, name)
creative_services.DictRegistry.from_env()
creative_services.DynamicLLMClient(creative_services.DictRegistry([]))
print(heard)
import socket
socket.socket().close()
assert heard, "the hook hears nothing"
"""


def test_nothing_asks_the_network_before_the_first_call() -> None:
    done = subprocess.run([sys.executable, "-c", LISTENING], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
