"""Vectors keep the order of their texts."""

import base64
import struct

import pytest

from creative_services.core.usage import Usage
from creative_services.wire import embeddings, model_lists
from creative_services.wire.faults import FaultError, WrongShapeError


def row(index: int, embedding: object) -> dict[str, object]:
    return {"index": index, "embedding": embedding}


def test_their_index_counts_and_not_their_place() -> None:
    answer = {"data": [row(1, [2, 2]), row(0, [1, 1])], "usage": {"prompt_tokens": 4}, "model": "e"}
    made = embeddings.openai_vectors(answer, 2)
    assert made.vectors == ((1.0, 1.0), (2.0, 2.0))
    assert (made.usage, made.model) == (Usage(input_tokens=4), "e")


def test_base64_is_understood() -> None:
    packed = base64.b64encode(struct.pack("<2f", 0.5, -1.5)).decode()
    assert embeddings.openai_vectors({"data": [row(0, packed)]}, 1).vectors == ((0.5, -1.5),)


def test_ollama_s() -> None:
    made = embeddings.ollama_vectors({"embeddings": [[1, 2]], "prompt_eval_count": 3}, 1)
    assert (made.vectors, made.usage) == (((1.0, 2.0),), Usage(input_tokens=3))


@pytest.mark.parametrize("read", [embeddings.openai_vectors, embeddings.ollama_vectors])
def test_what_is_no_answer(read) -> None:  # type: ignore[no-untyped-def]  # two functions of one shape
    for wrong in (None, {}, {"data": [], "embeddings": []}, {"data": [row(0, "!")], "embeddings": ["x"]}):
        with pytest.raises(WrongShapeError):
            read(wrong, 1)
    with pytest.raises(FaultError, match="no"):
        read({"error": {"message": "no"}}, 1)


def test_lists_of_models() -> None:
    assert model_lists.openai({"data": [{"id": "a"}, {"id": "b"}]}) == ("a", "b")
    assert model_lists.openai([{"id": "a"}]) == ("a",)
    assert model_lists.ollama({"models": [{"model": "a:latest"}, {"name": "b"}]}) == ("a:latest", "b")
    for read in (model_lists.openai, model_lists.ollama):
        with pytest.raises(WrongShapeError):
            read({"data": 7, "models": [7]})
