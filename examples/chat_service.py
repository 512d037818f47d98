"""A service of your own that streams a tier's answer to a browser, as server-sent events.

    uvicorn --app-dir examples chat_service:app
    curl -N "http://127.0.0.1:8000/answer?question=Why+is+the+sea+blue"

A reader who leaves ends the vendor's work too: closing the stream cancels it.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from creative_services import CreativeServicesError, DictRegistry, DynamicLLMClient, LLMTier

# One for the whole process: its connections stay open from call to call.
client = DynamicLLMClient(DictRegistry.from_env())


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with client:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/answer")
async def answer(question: str, tier: LLMTier = LLMTier.ECONOMY, user: str | None = None) -> StreamingResponse:
    # Proxies such as nginx gather answers unless they are told not to.
    return StreamingResponse(
        events(question, tier, user), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
    )


async def events(question: str, tier: LLMTier, user: str | None) -> AsyncIterator[str]:
    try:
        async with client.stream(question, tier=tier, user_id=user) as stream:
            async for piece in stream:
                if piece.text:
                    yield event("piece", piece.text)
                if piece.response is not None:
                    yield event("end", {"model": piece.response.llm.model, "cost": str(piece.response.cost)})
    except CreativeServicesError as error:
        # The head has left with a 200; what went wrong can only be told in the stream.
        yield event("error", str(error))


def event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
