"""A real Prometheus scrapes a real gateway with the rules of the deployment, and every panel has something to draw."""

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from creative_services.server.access.keys import keys_from
from creative_services.testing.vendors import Fault, VendorServer
from tests.deploy.expressions import of_dashboard, rules
from tests.deploy.files import DEPLOY, program, read
from tests.server.house import KEY, House
from tests.server.operations.test_ages import Away
from tests.servers import free_ports

PATIENCE = 60.0


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[str]:
    """With the deployment's settings, but for where it looks and how often."""
    settings = read("prometheus/prometheus.yml")
    settings["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    settings["rule_files"] = [str(DEPLOY / "prometheus/rules.yml")]
    ours = settings["scrape_configs"][0]
    del ours["dns_sd_configs"]
    ours["static_configs"] = [{"targets": [f"127.0.0.1:{target}"]}]
    settings["scrape_configs"] = [ours]
    (folder / "prometheus.yml").write_text(json.dumps(settings))
    (port,) = free_ports(1)
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    listen = f"--web.listen-address=127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program("prometheus"), *options, listen], stdout=log, stderr=log)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(PATIENCE)


@pytest.fixture
async def house(open_house: Callable[..., Any], vendor: VendorServer) -> AsyncIterator[House]:
    """With calls of every kind, going on and on."""
    keys = keys_from({"CREATIVE_SERVICES_GATEWAY_KEYS": KEY})
    found: House = await open_house(keys=None, feed=Away(keys))

    async def calls() -> None:
        while True:
            vendor.script_for("gpt-small", Fault.status(500), Fault.status(500), Fault.status(500))
            for wish in ("economy", "standard", "standard", "nonsense"):
                await found.ask(model=wish)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(calls())
    yield found
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def asked(session: aiohttp.ClientSession, url: str, expression: str) -> list[Any]:
    async with session.get(f"{url}/api/v1/query", params={"query": expression}) as response:
        said = await response.json()
    assert said["status"] == "success", f"{expression}: {said}"
    result: list[Any] = said["data"]["result"]
    return result


@pytest.mark.thorough
async def test_every_panel_and_every_recorded_figure_has_something_to_say(house: House, tmp_path: Path) -> None:
    wanted = {panel.where: panel.ready("5s") for panel in of_dashboard()}
    wanted |= {rule["record"]: rule["record"] for rule in rules() if "record" in rule}
    # Alerts look at it too: one call in four fails, and this one is on its way.
    wanted["alert"] = 'ALERTS{alertname="CreativeServicesErrorRatio", tier="economy"}'
    with prometheus(tmp_path, house.port) as url:
        async with aiohttp.ClientSession() as session:
            end = time.monotonic() + PATIENCE
            while wanted and time.monotonic() < end:
                await asyncio.sleep(0.5)
                # It is only starting: nobody listens yet, or it says so in plain text.
                with suppress(aiohttp.ClientConnectorError, aiohttp.ContentTypeError):
                    for where, expression in list(wanted.items()):
                        if any(each["value"][1] != "NaN" for each in await asked(session, url, expression)):
                            del wanted[where]
            assert wanted == {}
            ups = await asked(session, url, 'up{job="creative-services"}')
            assert [each["value"][1] for each in ups] == ["1"]
