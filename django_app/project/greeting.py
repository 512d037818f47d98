"""What ``up`` says once it listens: where everything is, and a first question that is answered."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from creative_services.cli.console import say

if TYPE_CHECKING:
    from django_app.project.administrators import Administrator

_EVERYWHERE: Final = ("//0.0.0.0:", "//[::]:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """All that it mentions. Made before the port is known, and said when it is taken: then nothing can fail any more,
    and the first administrator may be made, whose password is never shown again."""

    data_dir: Path
    public_url: str
    has_keys: bool
    has_routing: bool

    def __call__(self, listening: str) -> None:
        """To standard output; the log goes to standard error."""
        from django.db import connections

        from django_app.project import administrators, starting

        url = self.public_url or _reachable(listening)
        say("\n".join(self.lines(url, administrators.first(), starting.first_tier())))
        connections.close_all()  # the workers have their own

    def lines(self, url: str, administrator: "Administrator | None", tier: str | None) -> Iterator[str]:
        """Line by line."""
        key = "YOUR-KEY" if self.has_keys else "none"
        yield f"Admin       {url}/admin/"
        if administrator:
            yield f"            user {administrator.username}, password {_shown(administrator)}"
        yield f"OpenAI      OPENAI_BASE_URL={url}/v1  OPENAI_API_KEY={key}"
        yield f"Anthropic   ANTHROPIC_BASE_URL={url}  ANTHROPIC_API_KEY={key}"
        if self.has_routing:
            yield f"Replicas    {url}/register   {url}/route"
        yield f"Health      {url}/health   Metrics  {url}/metrics"
        yield f"Data        {self.data_dir}"
        yield ""
        yield from self._question(url, tier)

    def _question(self, url: str, tier: str | None) -> Iterator[str]:
        if tier is None:
            yield "No entry answers yet: add one in the admin, set a vendor's key (OPENAI_API_KEY, say), or use --demo."
            return
        body = f'{{"model": "{tier}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
        shown = " -H 'authorization: Bearer YOUR-KEY'" if self.has_keys else ""
        yield f"Ask:  curl {url}/v1/chat/completions -H 'content-type: application/json'{shown} -d '{body}'"


def _reachable(listening: str) -> str:
    for everywhere in _EVERYWHERE:
        listening = listening.replace(everywhere, "//127.0.0.1:")
    return listening


def _shown(administrator: "Administrator") -> str:
    return "from the environment" if administrator.password is None else f"{administrator.password} (shown this once)"
