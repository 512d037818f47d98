"""The command that takes new prices."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from creative_services.catalog import refresh
from creative_services.catalog.__main__ import main
from creative_services.catalog.defaults import defaults
from creative_services.core.errors import ConfigurationError

DAY = date(2026, 11, 21)


def test_it_writes_every_named_model_of_vendors_who_bill() -> None:
    taken = refresh.taken_on(DAY)["models"]
    named = {(known.provider, known.model) for known in defaults().models.values() if known.name}
    assert {(p, m) for p, models in taken.items() for m in models} == {(p, m) for p, m in named if p != "ollama"}


def test_it_says_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "prices.json"
    shipped = json.loads(refresh.PRICES_FILE.read_text())
    shipped["models"]["openai"]["gpt-4o"][0]["card"]["input"] = "0.005"
    file.write_text(json.dumps(shipped, indent=1) + "\n")
    assert main(["refresh", "--output", str(file)]) == 0
    told = capsys.readouterr().out
    assert '-      "input": "0.005",' in told
    assert '+      "input": "0.0025",' in told
    assert '"gpt-4o": [' in told, "the lines around say whose price it is"
    main(["refresh", "--output", str(file)])
    assert capsys.readouterr().out == "Nothing has changed.\n"


def test_a_new_file_is_all_new(tmp_path: Path) -> None:
    assert "+ " in refresh.rewrite(DAY, tmp_path / "new.json")


def test_a_row_without_a_price_is_a_mistake_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "_wanted", lambda: [("openai", "no-such-model-9")])
    with pytest.raises(ConfigurationError, match=r"knows no price of openai no-such-model-9.*defaults\.toml"):
        refresh.taken_on(DAY)


def test_without_the_package_it_names_the_extra(tmp_path: Path) -> None:
    code = "import sys; sys.modules['genai_prices'] = None; import importlib.metadata as m\n"
    code += "def gone(name): raise m.PackageNotFoundError(name)\n"
    code += "m.version = gone\nfrom creative_services.catalog.__main__ import main\n"
    code += f"sys.exit(main(['refresh', '--output', {str(tmp_path / 'x.json')!r}]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'creative-services[prices]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x.json").exists()
