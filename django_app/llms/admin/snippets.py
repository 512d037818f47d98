"""The same call as code to copy."""

import json
import shlex
from collections.abc import Mapping
from typing import Any


def python(prompt: str, tier: str, options: Mapping[str, Any]) -> str:
    """With the client."""
    needs = ", ".join(f"{name}=True" for name in options.get("needs") or ())
    more = f",\n    needs=Needs({needs})" if needs else ""
    names = "DynamicLLMClient, LLMTier, Needs" if needs else "DynamicLLMClient, LLMTier"
    return (
        f"from creative_services import {names}\n"
        "from creative_services.adapters import DjangoLLMRegistry\n"
        "from django_app.llms.usage import DjangoUsage\n\n"
        "client = DynamicLLMClient(DjangoLLMRegistry(), listeners=[DjangoUsage()])\n"
        "response = client.generate_sync(\n"
        f"    {prompt!r},\n"
        f"    tier=LLMTier.{tier.upper()},\n"
        f"    max_tokens={options['max_tokens']}{more},\n"
        ")\n"
        "print(response, response.cost)\n"
    )


def curl(prompt: str, tier: str, options: Mapping[str, Any]) -> str:
    """Through the gateway, which speaks OpenAI's dialect and takes a tier for a model."""
    body = {
        "model": tier,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": options["max_tokens"],
    }
    return (
        "curl -s http://127.0.0.1:8000/v1/chat/completions \\\n"
        '  -H "Authorization: Bearer $CREATIVE_SERVICES_KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(json.dumps(body, ensure_ascii=False))}\n"
    )
