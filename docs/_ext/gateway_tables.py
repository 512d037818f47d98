"""What the gateway's pages print, read from the code at build time."""

from collections.abc import Iterator

from creative_services.core.access import KeyScope
from creative_services.server.access.keys import OPTIONS
from creative_services.server.callers.problems import ERRORS, PROBLEMS
from creative_services.server.callers.problems import Row as Told
from creative_services.server.callers.surfaces import SURFACES
from creative_services.server.settings import VARIABLES
from creative_services.server.upstream.doors import SPEECHES
from creative_services.wire import openai_inbound, responses_inbound

Row = tuple[str, ...]


def surfaces() -> Iterator[Row]:
    """Our endpoints, and who is answered byte for byte there."""
    for path, surface in SURFACES.items():
        native = sorted(name for name, speech in SPEECHES.items() if surface.name in speech.paths)
        shape = {"anthropic": "Anthropic", "openai": "OpenAI", "responses": "OpenAI"}[surface.dialect]
        yield f"``POST {path}``", shape, ", ".join(native) or "openai itself, and entries that can ``responses``"


def options() -> Iterator[Row]:
    """What may follow a key."""
    for option in OPTIONS.values():
        yield f"``{option.example}``", option.what


def scopes() -> Iterator[Row]:
    """What each scope lets a key ask."""
    for scope in KeyScope:
        paths = [f"``POST {path}``" for path, surface in SURFACES.items() if surface.scope is scope]
        yield f"``{scope}``", ", ".join(paths) or "``GET /v1/models`` and ``GET /v1/models/{id}``"


def variables() -> Iterator[Row]:
    """The gateway's own variables."""
    for name, (otherwise, what) in VARIABLES.items():
        yield f"``{name}``", what, otherwise


def refusals() -> Iterator[Row]:
    """What the gateway itself refuses."""
    yield from sorted(map(_told, PROBLEMS.values()))


def failures() -> Iterator[Row]:
    """What a vendor's failure becomes for the caller."""
    for kind, row in ERRORS.items():
        if row not in PROBLEMS.values():
            yield f":class:`~{kind.__module__}.{kind.__name__}`", *_told(row)


def _told(row: Told) -> Row:
    return str(row.status), f"``{row.openai}``", f"``{row.code}``" if row.code else "", f"``{row.anthropic}``"


def native() -> Iterator[Row]:
    """Fields that only an endpoint of the caller's own shape honours."""
    yield "``/v1/chat/completions``", _names({*openai_inbound.ONLY_NATIVE, "n"})
    yield "``/v1/responses``", _names({*responses_inbound.ONLY_NATIVE, "tools", "input"})


def _names(names: set[str]) -> str:
    return ", ".join(f"``{name}``" for name in sorted(names))
