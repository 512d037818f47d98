"""Rules and dashboard ask for what a running gateway exports, label by label; nothing in them can go out of date."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from creative_services.server.access.keys import keys_from
from creative_services.server.callers.problems import ERRORS, PROBLEMS
from creative_services.testing.vendors import Fault, VendorServer
from tests.deploy.expressions import ADDED, PREFIX, Asked, of_dashboard, of_rules, panels, rules
from tests.deploy.files import DEPLOY, passes, program, read
from tests.server.house import ANTHROPIC, EMBEDDINGS, KEY, House
from tests.server.operations.test_ages import Away

EXPRESSIONS = [*of_rules(), *of_dashboard()]
Values = Mapping[str, Mapping[str, set[str]]]


async def exported(open_house: Callable[..., Any], vendor: VendorServer) -> Values:
    """Each metric with its labels and their values, after calls of every kind."""
    house: House = await open_house(keys=None, feed=Away(keys_from({"CREATIVE_SERVICES_GATEWAY_KEYS": KEY})))
    await house.ask()
    await house.ask(stream=True)
    await house.ask(ANTHROPIC, model="standard")
    await house.ask(EMBEDDINGS, model="text-small", input="words")
    vendor.script_for("gpt-small", *[Fault.status(500)] * 3)
    await house.ask()
    await house.ask(key="wrong")
    page = (await house.ask("/metrics", method="GET", key=None)).body.decode()
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for line in page.splitlines():
        if not line.startswith("#"):
            name, _, labels = line.rpartition(" ")[0].partition("{")
            found[name].update()
            for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
                found[name][label].add(value)
    return found


async def test_every_expression_asks_for_what_is_exported(open_house: Callable[..., Any], vendor: VendorServer) -> None:
    have = await exported(open_house, vendor)
    assert all(
        asked.metrics() or asked.recorded() or "up{" in asked.text or "vector" in asked.text for asked in EXPRESSIONS
    )
    for asked in EXPRESSIONS:
        missing = asked.metrics() - set(have)
        assert not missing, f"{asked.where}: {missing} is not exported"
        labels = {label for name in asked.metrics() for label in have[name]} | ADDED
        if asked.metrics():
            assert asked.groupings() | asked.shown() <= labels, asked.where
        for name, label, _, _ in asked.matchers():
            assert not name.startswith(PREFIX) or label in have[name], f"{asked.where}: {name} has no label {label}"


async def test_values_are_those_that_occur(open_house: Callable[..., Any], vendor: VendorServer) -> None:
    have = await exported(open_house, vendor)
    reasons = {row.code or row.anthropic for row in (*PROBLEMS.values(), *ERRORS.values())}
    statuses = have[f"{PREFIX}calls_total"]["status"] | {
        str(row.status) for row in (*PROBLEMS.values(), *ERRORS.values())
    }
    for asked in EXPRESSIONS:
        for _, label, operator, value in asked.matchers():
            if label == "reason" and operator == "=":
                assert value in reasons, f"{asked.where}: nothing is refused for {value!r}"
            if label == "status" and operator == "=~":
                assert [each for each in statuses if re.fullmatch(value, each)], asked.where
            if label == "status" and operator in ("=", "!="):
                assert value in statuses, asked.where


async def test_everything_that_is_exported_is_shown(open_house: Callable[..., Any], vendor: VendorServer) -> None:
    have = {re.sub(r"_(bucket|sum|count)$", "", name) for name in await exported(open_house, vendor)}
    shown = {re.sub(r"_bucket$", "", name) for asked in of_dashboard() for name in asked.metrics()}
    assert have - shown == set()


def test_the_search_sees_what_is_wrong() -> None:
    asked = Asked("here", f'sum by (tire) (rate({PREFIX}calls_total{{tier="x", status=~"5.."}}[5m]))')
    assert asked.metrics() == {f"{PREFIX}calls_total"}
    assert asked.groupings() == {"tire"}
    assert list(asked.matchers()) == [
        (f"{PREFIX}calls_total", "tier", "=", "x"),
        (f"{PREFIX}calls_total", "status", "=~", "5.."),
    ]


def test_recorded_names_are_recorded() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    used = {name for asked in EXPRESSIONS for name in asked.recorded()}
    assert used - recorded == set()


def test_the_rules_pass_their_own_tests() -> None:
    promtool = program("promtool")
    passes(promtool, "check", "config", str(DEPLOY / "prometheus/prometheus.yml"))
    passes(promtool, "test", "rules", str(DEPLOY / "prometheus/rules_test.yml"))


def test_every_alert_is_tested_to_sound() -> None:
    tested = {
        case["alertname"]
        for test in read("prometheus/rules_test.yml")["tests"]
        for case in test.get("alert_rule_test", ())
        if case["exp_alerts"]
    }
    assert tested == {rule["alert"] for rule in rules() if "alert" in rule}


@pytest.mark.parametrize("rule", [rule for rule in rules() if "alert" in rule], ids=lambda rule: rule["alert"])
def test_every_alert_says_how_bad_it_is_and_what_to_do(rule: Mapping[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert set(rule["annotations"]) == {"summary", "description"}


def test_every_panel_can_be_drawn(tmp_path: Any) -> None:
    written = [
        {"record": f"panel:{number}", "expr": asked.ready("1m")} for number, asked in enumerate(of_dashboard(), start=1)
    ]
    path = tmp_path / "panels.yml"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": written}]}))
    passes(program("promtool"), "check", "rules", str(path))


def test_panels_have_a_place_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in read("grafana/dashboard.json")["panels"]]
    assert len(ids) == len(set(ids))
