"""The data plane's one callable: a table of paths, and whatever is mounted beside it for all others."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import orjson

from creative_services.core.access import KeyScope
from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMRegistry
from creative_services.llms.lookup import active_entries
from creative_services.server.access.admission import Admission, refuse_scope
from creative_services.server.callers.catalogue import listed, names_for, one
from creative_services.server.callers.heads import JSON, NOTHING, request_id_in, told_headers
from creative_services.server.callers.incoming import Receive, Scope, Send
from creative_services.server.callers.problems import Problem, body_of, headers_of, row_for
from creative_services.server.callers.surfaces import SURFACES
from creative_services.server.gateway.gateway import Gateway
from creative_services.server.operations.pages import Operations, Reply

App = Callable[[Scope, Receive, Send], Awaitable[None]]
_MODELS = "/v1/models"


class DataPlane:
    """Plain ASGI over what is in memory. ``beside`` serves every path that is none of ours."""

    __slots__ = ("_admission", "_beside", "_gateway", "_life", "_operations", "_registry", "drain")

    def __init__(
        self,
        *,
        gateway: Gateway,
        admission: Admission,
        operations: Operations,
        registry: LLMRegistry,
        life: App,
        drain: Callable[[], None],
        beside: App | None = None,
    ) -> None:
        self._gateway = gateway
        self._admission = admission
        self._operations = operations
        self._registry = registry
        self._life = life
        self._beside = beside
        self.drain = drain  # from now on the health check sends callers elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            surface = SURFACES.get(scope["path"])
            if surface is not None and scope["method"] == "POST":
                await self._gateway.serve(surface, scope, receive, send)
            else:
                await self._other(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._life(scope, receive, send)
        elif self._beside is not None:
            await self._beside(scope, receive, send)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        headers = dict(scope["headers"])
        try:
            if path in SURFACES:
                raise Problem("method", f"{path} is asked with POST, not {method}.")
            if path == _MODELS or path.startswith(f"{_MODELS}/"):
                reply = await self._models(path, method, headers)
            elif (found := self._operations.reply(path)) is not None and method in ("GET", "HEAD"):
                reply = found
            elif self._beside is not None:
                await self._beside(scope, receive, send)
                return
            else:
                raise Problem("path", f"There is nothing at {path}. Surfaces: {', '.join(SURFACES)}, {_MODELS}.")
        except (Problem, CreativeServicesError) as error:
            reply = _told(error, _dialect(path, headers), request_id_in(headers))
        await respond(send, reply)

    async def _models(self, path: str, method: str, headers: dict[bytes, bytes]) -> Reply:
        if method not in ("GET", "HEAD"):
            raise Problem("method", f"{_MODELS} is asked with GET, not {method}.")
        key = self._admission.identify(headers)
        refuse_scope(key, KeyScope.MODELS)
        dialect = _dialect(path, headers)
        names = names_for(key, await active_entries(self._registry))
        document: dict[str, Any]
        if path.rstrip("/") == _MODELS:
            document = listed(names, dialect)
        else:
            name = unquote(path.removeprefix(f"{_MODELS}/"))
            if name not in names:
                raise Problem("model", f"No active entry, tier or model is called {name!r}.", param="model")
            document = one(name, names[name], dialect)
        return 200, [JSON, (b"x-request-id", request_id_in(headers).encode())], orjson.dumps(document)


async def respond(send: Send, reply: Reply) -> None:
    """A whole answer."""
    status, headers, body = reply
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _told(error: Exception, dialect: str, request_id: str) -> Reply:
    headers = [JSON, *told_headers(request_id, (), 0, NOTHING), *headers_of(error)]
    return row_for(error).status, headers, body_of(error, dialect, request_id)


def _dialect(path: str, headers: dict[bytes, bytes]) -> str:
    # OpenAI and Anthropic both have /v1/models; only Anthropic's clients send these headers.
    anthropic = path.startswith("/v1/messages") or b"anthropic-version" in headers or b"x-api-key" in headers
    return "anthropic" if anthropic else "openai"
