"""How OpenAI and Groq word their errors."""

from creative_services.testing.vendors.failures import Failure, FailureTable

INVALID = "invalid_request_error"
SERVER = "The server had an error while processing your request. Sorry about that!"

OPENAI_FAILURES = FailureTable(
    by_status={
        400: Failure(INVALID, "Invalid request."),
        401: Failure(INVALID, "Incorrect API key provided.", "invalid_api_key"),
        402: Failure(INVALID, "Your account is not active, please check your billing details.", "billing_not_active"),
        403: Failure(
            "request_forbidden",
            "Country, region, or territory not supported",
            "unsupported_country_region_territory",
        ),
        404: Failure(INVALID, "The model `MODEL` does not exist or you do not have access to it.", "model_not_found"),
        408: Failure("timeout", "Request timed out."),
        409: Failure("conflict", "The resource was updated by another request."),
        413: Failure(INVALID, "Request body is too large."),
        422: Failure(INVALID, "The request could not be processed."),
        429: Failure("requests", "Rate limit reached for MODEL. Please try again later.", "rate_limit_exceeded"),
        500: Failure("server_error", SERVER),
        502: Failure("server_error", "Bad gateway."),
        503: Failure("server_error", "The engine is currently overloaded, please try again later."),
        504: Failure("server_error", "Gateway timeout."),
        529: Failure("server_error", "The engine is currently overloaded, please try again later."),
    },
    by_code={
        "unsupported_parameter": Failure(
            INVALID,
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            param="max_tokens",
        ),
        "context_length_exceeded": Failure(
            INVALID,
            "This model's maximum context length is 128000 tokens. However, your messages resulted in "
            "210000 tokens. Please reduce the length of the messages.",
            param="messages",
        ),
        "content_filter": Failure(INVALID, "The response was filtered due to the content management policy."),
        "invalid_api_key": Failure(INVALID, "Incorrect API key provided."),
        "insufficient_quota": Failure(
            "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        "overloaded": Failure("server_error", "The engine is currently overloaded, please try again later."),
    },
    otherwise=Failure("server_error", SERVER),
)

GROQ_FAILURES = FailureTable(
    by_status={
        **OPENAI_FAILURES.by_status,
        401: Failure(INVALID, "Invalid API Key", "invalid_api_key"),
        403: Failure("permissions_error", "Access denied. Please check your network settings."),
        413: Failure("tokens", "Request too large for model `MODEL`.", "rate_limit_exceeded"),
        429: Failure("tokens", "Rate limit reached for model `MODEL`. Please try again later.", "rate_limit_exceeded"),
        500: Failure("internal_server_error", "Internal Server Error"),
        502: Failure("internal_server_error", "Bad Gateway"),
        503: Failure("internal_server_error", "Service Unavailable"),
        504: Failure("internal_server_error", "Gateway Timeout"),
        529: Failure("internal_server_error", "Service Unavailable"),
    },
    by_code={
        **OPENAI_FAILURES.by_code,
        "invalid_api_key": Failure(INVALID, "Invalid API Key"),
        "context_length_exceeded": Failure(
            INVALID, "Please reduce the length of the messages or completion.", param="messages"
        ),
        "overloaded": Failure("internal_server_error", "MODEL is currently over capacity. Please try again."),
    },
    otherwise=Failure("internal_server_error", "Internal Server Error"),
)
