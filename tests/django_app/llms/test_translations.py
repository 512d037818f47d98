"""Every text is there in German and Chinese, and what is compiled is what is written."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

import django_app
from django_app.llms.models import Llms

APPS = [path.parent for path in sorted(Path(django_app.__file__).parent.glob("*/locale"))]
ADVICE = (
    "Run `django-admin makemessages --no-location --no-wrap -a` and, after translating, `compilemessages` in the app."
)
_ENTRY = re.compile(r'^(#,[^\n]*\n)?msgid "((?:[^"\\]|\\.)*)"\nmsgstr "((?:[^"\\]|\\.)*)"', re.MULTILINE)


@pytest.fixture(params=APPS, ids=lambda app: app.name)
def app(request: pytest.FixtureRequest) -> Path:
    """Each of our apps that speaks."""
    found: Path = request.param
    return found


def catalogue(app: Path, language: str) -> dict[str, str]:
    text = (app / "locale" / language / "LC_MESSAGES" / "django.po").read_text()
    found = {}
    for flags, source, translated in _ENTRY.findall(text):
        assert "fuzzy" not in flags, source
        found[ast.literal_eval(f'"{source}"')] = ast.literal_eval(f'"{translated}"')
    found.pop("", None)
    return found


def texts(app: Path) -> Iterator[str]:
    """Every literal that the code or a template hands to gettext."""
    for path in app.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_", "gettext", "gettext_lazy"):
                yield from (
                    each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
                )
    for path in app.rglob("*.html"):
        yield from re.findall(r'{%\s*trans(?:late)?\s+"([^"]+)"', path.read_text())


@pytest.mark.parametrize("language", ["en", "de", "zh_Hans"])
def test_every_text_is_in_the_catalogue(app: Path, language: str) -> None:
    assert sorted(set(texts(app)) - catalogue(app, language).keys()) == [], ADVICE


@pytest.mark.parametrize("language", ["de", "zh_Hans"])
def test_every_text_is_translated_with_its_places(app: Path, language: str) -> None:
    for source, translated in catalogue(app, language).items():
        assert translated, f"{source!r} is not translated. {ADVICE}"
        places = re.findall(r"%\(\w+\)s", source)
        assert sorted(places) == sorted(re.findall(r"%\(\w+\)s", translated)), source


@pytest.mark.parametrize("language", ["de", "zh_Hans"])
def test_what_is_compiled_is_what_is_written(app: Path, language: str) -> None:
    compiled = gettext.translation("django", app / "locale", [language])
    for source, translated in catalogue(app, language).items():
        assert compiled.gettext(source) == translated, ADVICE


@pytest.mark.parametrize("language", ["de", "zh_Hans"])
def test_no_two_apps_translate_one_text_differently(language: str) -> None:
    """Django keeps one translation of each text; the other app's readers would get a word not meant for them."""
    seen: dict[str, str] = {}
    for app in APPS:
        for source, translated in catalogue(app, language).items():
            assert seen.setdefault(source, translated) == translated, source


@pytest.mark.parametrize(("language", "shown"), [("en", "endpoint"), ("de", "Endpunkt"), ("zh-hans", "端点")])
def test_the_admin_speaks_the_language_of_its_reader(language: str, shown: str) -> None:
    with translation.override(language):
        assert str(Llms._meta.get_field("api_endpoint").verbose_name) == shown
