"""Every vendor's way to say no is understood."""

from typing import Any

import pytest

from creative_services.wire.faults import Fault, fault_in


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (
            {"error": {"message": "no", "type": "invalid_request_error", "code": "too_long", "param": "messages"}},
            Fault(message="no", code="too_long", param="messages"),
        ),
        ({"error": {"message": "no", "type": "server_error", "code": None}}, Fault(message="no", code="server_error")),
        ({"type": "error", "error": {"type": "api_error", "message": "no"}}, Fault(message="no", code="api_error")),
        ({"error": {"message": "no", "code": 502}}, Fault(message="no", status=502)),
        ({"error": {"type": "api_error"}}, Fault(message="api_error", code="api_error")),
        ({"error": "model not found"}, Fault(message="model not found")),
        ({"object": "error", "message": "no", "type": "x"}, Fault(message="no", code="x")),
        ({"detail": "Not Found"}, Fault(message="Not Found")),
        ({"detail": [{"msg": "x"}]}, Fault(message="[{'msg': 'x'}]")),
        ({"message": {"content": "an answer"}}, None),
        ({"choices": [], "message": "x"}, None),
        ({"error": None}, None),
        ({}, None),
        ([], None),
        ("x", None),
    ],
)  # fmt: skip
def test_faults(body: Any, fault: Fault | None) -> None:
    assert fault_in(body) == fault
