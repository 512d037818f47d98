"""The HTTP face of the double of a Consul agent."""

import asyncio
import posixpath
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web

from creative_services.testing.consul.state import Kept, Session, State, raw

_LARGEST: Final = 512 * 1024
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_STATE: Final = web.AppKey("state", State)


def make_app(state: State) -> web.Application:
    """The application of one agent."""
    app = web.Application(client_max_size=4 * _LARGEST, middlewares=[_particular])
    app[_STATE] = state
    app.router.add_get("/v1/kv/{name:.*}", _read)
    app.router.add_put("/v1/kv/{name:.*}", _write)
    app.router.add_delete("/v1/kv/{name:.*}", _delete)
    app.router.add_put("/v1/session/create", _create_session)
    app.router.add_put("/v1/session/renew/{id}", _renew_session)
    app.router.add_put("/v1/session/destroy/{id}", _destroy_session)
    app.router.add_get("/v1/session/info/{id}", _session_info)
    app.router.add_get("/v1/status/leader", _leader)
    return app


@web.middleware
async def _particular(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    # What Go's server does before Consul sees a request: odd paths are sent elsewhere, unprintable ones refused.
    path = unquote(request.raw_path.partition("?")[0])
    if not path.isprintable():
        return web.Response(status=400, text="Invalid URL path: not printable")
    clean = posixpath.normpath(path.replace("//", "/"))
    if clean != path.rstrip("/") or "//" in path:
        return web.Response(status=301, headers={"Location": clean})
    return await handler(request)


async def _read(request: web.Request) -> web.Response:
    state, name, query = request.app[_STATE], request.match_info["name"], request.query
    recurse = "recurse" in query or "keys" in query
    await _block(state, name, recurse, query)
    index = {"X-Consul-Index": str(state.index_under(name, recurse=recurse)), "X-Consul-KnownLeader": "true"}
    headers = {**index, "X-Consul-LastContact": "0"}
    found = [entry for key, entry in sorted(state.entries.items()) if key == name or (recurse and key.startswith(name))]
    if not found:
        return web.Response(status=404, headers=headers)
    if "raw" in query:
        return web.Response(body=raw(found[0]), headers=headers)
    return web.json_response(_names(found, name, query) if "keys" in query else [*map(_shown, found)], headers=headers)


async def _block(state: State, name: str, recurse: bool, query: Any) -> None:
    """Wait for a change after ``index``, a little longer than asked so that clients do not return as one."""
    index = int(query.get("index", 0))
    if not index:
        return
    wait = _seconds(query.get("wait", "5m"))
    with suppress(TimeoutError):
        async with asyncio.timeout(wait + random.uniform(0, wait / 16)):  # noqa: S311 - spreading, not secrecy
            async with state.changed:
                await state.changed.wait_for(lambda: state.index_under(name, recurse=recurse) > index)


async def _write(request: web.Request) -> web.Response:
    state, name, query = request.app[_STATE], request.match_info["name"], request.query
    body = await request.read()
    if not name:
        return web.Response(status=400, text="Missing key name")
    if len(body) > _LARGEST:
        return web.Response(status=413, text=f"Request body({len(body)} bytes) too large, max size: {_LARGEST} bytes.")
    try:
        flags, cas = int(query.get("flags", 0)), int(query["cas"]) if "cas" in query else None
    except ValueError as error:
        return web.Response(status=400, text=f"Failed to parse: {error}")
    if "acquire" in query:
        return _said(await state.acquire(name, body, flags=flags, session=query["acquire"]))
    if "release" in query:
        return _said(await state.release(name, body, flags=flags, session=query["release"]))
    return _said(await state.put(name, body, flags=flags, cas=cas))


async def _delete(request: web.Request) -> web.Response:
    state, name, query = request.app[_STATE], request.match_info["name"], request.query
    if not name and "recurse" not in query:
        return web.Response(status=400, text="Missing key name")
    names = [key for key in state.entries if key.startswith(name)] if "recurse" in query else [name]
    return _said(await state.delete(names, int(query["cas"]) if "cas" in query else None))


async def _create_session(request: web.Request) -> web.Response:
    sent = await request.json() if request.can_read_body else {}
    asked = {name.lower(): value for name, value in sent.items()}  # Go reads names in any case, and clients rely on it
    ttl = _seconds(asked.get("ttl") or "0s")
    if ttl and not 10 <= ttl <= 86400:
        return web.Response(status=400, text=f"Invalid Session TTL '{ttl:g}', must be between [10s=24h0m0s]")
    session = request.app[_STATE].begin(
        name=asked.get("name") or "",
        behavior=asked.get("behavior") or "release",
        ttl=ttl,
        lock_delay=_seconds(str(asked.get("lockdelay") or "15s")),
    )
    return web.json_response({"ID": session.id})


async def _renew_session(request: web.Request) -> web.Response:
    state, session = request.app[_STATE], request.app[_STATE].sessions.get(request.match_info["id"])
    if session is None:
        return web.Response(status=404, text=f"Session id '{request.match_info['id']}' not found")
    state.renew(session)
    return web.json_response([_session(session)])


async def _destroy_session(request: web.Request) -> web.Response:
    session = request.app[_STATE].sessions.get(request.match_info["id"])
    if session:
        await request.app[_STATE].end(session)
    return _said(True)


async def _session_info(request: web.Request) -> web.Response:
    session = request.app[_STATE].sessions.get(request.match_info["id"])
    headers = {"X-Consul-Index": str(request.app[_STATE].index)}
    return web.json_response([_session(session)] if session else [], headers=headers)


async def _leader(request: web.Request) -> web.Response:
    return web.json_response("127.0.0.1:8300")


def _said(done: bool) -> web.Response:
    return web.json_response(done)


def _names(found: list[Kept], prefix: str, query: Any) -> list[str]:
    separator = query.get("separator")
    if not separator:
        return [entry.name for entry in found]
    cut = [prefix + head + mark for e in found for head, mark, _ in [e.name.removeprefix(prefix).partition(separator)]]
    return list(dict.fromkeys(cut))


def _shown(entry: Kept) -> dict[str, Any]:
    shown: dict[str, Any] = {"LockIndex": entry.lock_index, "Key": entry.name, "Flags": entry.flags}
    shown |= {"Value": entry.value or None, "CreateIndex": entry.created, "ModifyIndex": entry.modified}
    return shown | ({"Session": entry.session} if entry.session else {})


def _session(session: Session) -> dict[str, Any]:
    return {
        "ID": session.id,
        "Name": session.name,
        "Node": "double",
        "LockDelay": int(session.lock_delay * 1e9),
        "Behavior": session.behavior,
        "TTL": f"{session.ttl:g}s" if session.ttl else "",
        "CreateIndex": session.created,
        "ModifyIndex": session.created,
    }


def _seconds(duration: str) -> float:
    """A Go duration of one unit, or plain nanoseconds."""
    for unit in ("ms", "s", "m", "h"):
        if duration.endswith(unit):
            return float(duration[: -len(unit)]) * _UNITS[unit]
    return float(duration) / 1e9
