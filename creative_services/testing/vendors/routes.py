"""Which request is whose, and what it asks for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from creative_services.testing.vendors import embeddings, model_lists
from creative_services.testing.vendors.anthropic_shape import AnthropicShape
from creative_services.testing.vendors.composing import Stage
from creative_services.testing.vendors.failures import RefusedError
from creative_services.testing.vendors.http1 import Request
from creative_services.testing.vendors.ollama_shape import OllamaShape
from creative_services.testing.vendors.openai_shape import GroqShape, OpenAIShape
from creative_services.testing.vendors.replies import speak
from creative_services.testing.vendors.shapes import Json, Shape, text_field

OPENAI, GROQ, ANTHROPIC, OLLAMA = OpenAIShape(), GroqShape(), AnthropicShape(), OllamaShape()
OLLAMA_VERSION = "0.12.6"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request at its vendor's door, with the models this vendor has."""

    shape: Shape
    request: Request
    body: Any
    models: Sequence[str]

    @property
    def named_model(self) -> str:
        """The model in a path like /v1/models/{id}; ids may hold slashes, which clients quote."""
        return unquote(self.request.path.partition("/models/")[2])

    @property
    def model(self) -> str:
        """The model asked for, in the body or in the path."""
        model = self.body.get("model") if isinstance(self.body, dict) else self.named_model
        return model if isinstance(model, str) else ""


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint: the method it takes and how a visit enters its stage."""

    method: str
    enter: Callable[[Visit], Stage]


def shape_of(path: str, headers: Mapping[str, str]) -> Shape:
    """The vendor a request is meant for."""
    if path.startswith("/openai/"):
        return GROQ
    if path.startswith("/api/"):
        return OLLAMA
    # OpenAI and Anthropic both have /v1/models; only Anthropic's clients send these headers.
    if path == "/v1/messages" or "x-api-key" in headers or "anthropic-version" in headers:
        return ANTHROPIC
    return OPENAI


def enter(visit: Visit) -> Stage:
    """The stage a request is answered on, or the refusal the vendor would send."""
    request = visit.request
    route = ROUTES.get((visit.shape.vendor, _endpoint(request.path)))
    if route is None:
        raise RefusedError(404, f"Invalid URL ({request.method} {request.path})")
    if route.method != request.method:
        raise RefusedError(405, f"Not allowed to {request.method} on {request.path}")
    if route.method == "POST" and not isinstance(visit.body, dict):
        raise RefusedError(400, "We could not parse the JSON body of your request.")
    return route.enter(visit)


def _endpoint(path: str) -> str:
    path = path.removeprefix("/openai")
    return "/v1/models/" if path.startswith("/v1/models/") else path


def _chat(visit: Visit) -> Stage:
    shape = visit.shape
    asked = shape.asked(visit.request, visit.body)
    model, tokens = asked.model, asked.prompt_tokens
    return Stage(
        shape=shape,
        model=model,
        asked=asked,
        payload=lambda reply: shape.completion(asked, speak(reply, model=model, prompt_tokens=tokens)),
        frames=(lambda reply: shape.frames(asked, speak(reply, model=model, prompt_tokens=tokens)))
        if asked.stream
        else None,
    )


def _fixed(make: Callable[[Visit], Json]) -> Callable[[Visit], Stage]:
    """An endpoint whose good answer no script changes; faults and delays still apply."""

    def enter_fixed(visit: Visit) -> Stage:
        payload = make(visit)  # at once, so that a refusal comes before any script is used up
        return Stage(shape=visit.shape, model=visit.model, payload=lambda _: payload)

    return enter_fixed


def _openai_models(visit: Visit) -> Json:
    return model_lists.openai_models(visit.models, visit.shape.vendor)


def _openai_model(visit: Visit) -> Json:
    return model_lists.openai_model(visit.named_model, visit.models, visit.shape.vendor)


def _anthropic_models(visit: Visit) -> Json:
    return model_lists.anthropic_models(visit.models)


def _anthropic_model(visit: Visit) -> Json:
    return model_lists.anthropic_model(visit.named_model, visit.models)


def _openai_embeddings(visit: Visit) -> Json:
    return embeddings.openai_embeddings(visit.body)


def _ollama_embeddings(visit: Visit) -> Json:
    return embeddings.ollama_embeddings(visit.body)


def _tags(visit: Visit) -> Json:
    return model_lists.ollama_tags(visit.models)


def _show(visit: Visit) -> Json:
    return model_lists.ollama_show(text_field(visit.body, "model", "model is required"), visit.models)


def _version(_: Visit) -> Json:
    return {"version": OLLAMA_VERSION}


OPENAI_ROUTES = {
    "/v1/chat/completions": Route("POST", _chat),
    "/v1/embeddings": Route("POST", _fixed(_openai_embeddings)),
    "/v1/models": Route("GET", _fixed(_openai_models)),
    "/v1/models/": Route("GET", _fixed(_openai_model)),
}
ANTHROPIC_ROUTES = {
    "/v1/messages": Route("POST", _chat),
    "/v1/models": Route("GET", _fixed(_anthropic_models)),
    "/v1/models/": Route("GET", _fixed(_anthropic_model)),
}
OLLAMA_ROUTES = {
    "/api/chat": Route("POST", _chat),
    "/api/generate": Route("POST", _chat),
    "/api/embed": Route("POST", _fixed(_ollama_embeddings)),
    "/api/tags": Route("GET", _fixed(_tags)),
    "/api/version": Route("GET", _fixed(_version)),
    "/api/show": Route("POST", _fixed(_show)),
}
ROUTES: dict[tuple[str, str], Route] = {
    (shape.vendor, path): route
    for shape, routes in (
        (OPENAI, OPENAI_ROUTES),
        (GROQ, OPENAI_ROUTES),
        (ANTHROPIC, ANTHROPIC_ROUTES),
        (OLLAMA, OLLAMA_ROUTES),
    )
    for path, route in routes.items()
}
