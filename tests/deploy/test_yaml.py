"""Every YAML and JSON file of the deployment, written as its readers expect."""

import json

from tests.deploy.files import DEPLOY, passes, program


def test_yamllint_has_nothing_to_say() -> None:
    assert len(list(DEPLOY.rglob("*.y*ml"))) > 15
    passes(program("yamllint"), "--strict", "-c", str(DEPLOY / "yamllint.yaml"), str(DEPLOY))


def test_json_is_written_as_it_is_read() -> None:
    for path in DEPLOY.rglob("*.json"):
        document = json.loads(path.read_text())
        assert path.read_text() == json.dumps(document, indent=2, ensure_ascii=False) + "\n"
