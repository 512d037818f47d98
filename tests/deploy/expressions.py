"""What the rules and the dashboard ask Prometheus, taken apart far enough to be compared with what is exported."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.deploy.files import read

PREFIX = "creative_services_gateway_"
# Prometheus adds these to what it scrapes.
ADDED = frozenset({"instance", "job"})
_SELECTOR = re.compile(rf"({PREFIX}\w+|up|ALERTS)(?:\{{([^}}]*)\}})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")


@dataclass(frozen=True)
class Asked:
    """One expression, and where it stands."""

    where: str
    text: str
    legend: str = ""

    def metrics(self) -> set[str]:
        return {name for name, _ in _SELECTOR.findall(self.text) if name.startswith(PREFIX)}

    def matchers(self) -> Iterator[tuple[str, str, str, str]]:
        """(metric, label, operator, value)."""
        for name, inside in _SELECTOR.findall(self.text):
            for label, operator, value in _MATCHER.findall(inside):
                yield name, label, operator, value

    def groupings(self) -> set[str]:
        return {
            label.strip() for inside in _GROUPING.findall(self.text) for label in inside.split(",") if label.strip()
        }

    def shown(self) -> set[str]:
        """Labels that a legend writes out."""
        return set(re.findall(r"\{\{(\w+)\}\}", self.legend))

    def recorded(self) -> set[str]:
        """Names of recording rules."""
        return set(re.findall(r"\bcreative_services(?::\w+)+", self.text))

    def ready(self, interval: str) -> str:
        """With Grafana's variables replaced as Grafana would."""
        return self.text.replace("$__rate_interval", interval).replace("$tier", ".*")


def rules() -> list[Mapping[str, Any]]:
    return [rule for group in read("prometheus/rules.yml")["groups"] for rule in group["rules"]]


def of_rules() -> list[Asked]:
    return [Asked(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]


def panels() -> list[Mapping[str, Any]]:
    return [panel for panel in read("grafana/dashboard.json")["panels"] if panel["type"] != "row"]


def of_dashboard() -> list[Asked]:
    return [
        Asked(panel["title"], target["expr"], target["legendFormat"])
        for panel in panels()
        for target in panel["targets"]
    ]
