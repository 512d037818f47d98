"""How Anthropic words its errors."""

from creative_services.testing.vendors.failures import Failure, FailureTable

INVALID = "invalid_request_error"

ANTHROPIC_FAILURES = FailureTable(
    by_status={
        400: Failure(INVALID, "The request is invalid."),
        401: Failure("authentication_error", "invalid x-api-key"),
        402: Failure("billing_error", "Your credit balance is too low to access the Anthropic API."),
        403: Failure("permission_error", "Your API key does not have permission to use the specified resource."),
        404: Failure("not_found_error", "model: MODEL"),
        408: Failure("timeout_error", "Request timed out."),
        409: Failure("conflict_error", "The resource was changed by another request."),
        413: Failure("request_too_large", "Request exceeds the maximum size"),
        422: Failure(INVALID, "The request could not be processed."),
        429: Failure("rate_limit_error", "This request would exceed your organization's rate limit."),
        504: Failure("timeout_error", "Request timed out."),
        529: Failure("overloaded_error", "Overloaded"),
    },
    by_code={
        "unsupported_parameter": Failure(INVALID, "temperature: Extra inputs are not permitted"),
        "context_length_exceeded": Failure(INVALID, "prompt is too long: 210000 tokens > 200000 maximum"),
        "content_filter": Failure(INVALID, "Output blocked by content filtering policy"),
        "insufficient_quota": Failure("billing_error", "Your credit balance is too low to access the Anthropic API."),
        "model_not_found": Failure("not_found_error", "model: MODEL"),
        "invalid_api_key": Failure("authentication_error", "invalid x-api-key"),
        "overloaded": Failure("overloaded_error", "Overloaded"),
    },
    status_of_code={"insufficient_quota": 402, "overloaded": 529},
    otherwise=Failure("api_error", "Internal server error"),
)
