"""What ``up`` says once it listens: where everything is, and a first question that is answered."""

from dataclasses import dataclass
from pathlib import Path

from creative_services.cli.console import say

_QUESTION = '{"model": "economy", "messages": [{"role": "user", "content": "Hello"}]}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    """Who was made just now; the password only when it was made up here."""

    username: str
    password: str | None


def greet(data_dir: Path, administrator: Administrator | None, has_keys: bool, url: str) -> None:
    """To standard output; the log goes to standard error."""
    key = "YOUR-KEY" if has_keys else "none"
    lines = [
        f"Admin       {url}/admin/",
        *_credentials(administrator),
        f"OpenAI      OPENAI_BASE_URL={url}/v1  OPENAI_API_KEY={key}",
        f"Anthropic   ANTHROPIC_BASE_URL={url}  ANTHROPIC_API_KEY={key}",
        f"Health      {url}/health   Metrics  {url}/metrics",
        f"Data        {data_dir}",
        "",
        "Ask:",
        f"  curl {url}/v1/chat/completions -H 'content-type: application/json' "
        + ("-H 'authorization: Bearer YOUR-KEY' " if has_keys else "")
        + f"-d '{_QUESTION}'",
    ]
    say("\n".join(lines))


def _credentials(administrator: Administrator | None) -> list[str]:
    if administrator is None:
        return []
    if administrator.password is None:
        return [f"            user {administrator.username}, password from the environment"]
    return [f"            user {administrator.username}, password {administrator.password} (shown this once)"]
