"""Every error we raise, in one family.

::

    CreativeServicesError
      ConfigurationError (+ValueError)
        UnknownProviderError      an entry names a provider nobody registered
        MissingDependencyError    a driver is not installed; names the extra (+ImportError)
      NoEntryError (+LookupError) no entry answers the wish; says what exists
      RegistryUnavailableError    the registry's database never answered (+ConnectionError)
      BudgetExceededError         refused before the call
      CallCancelledError          recorded when the caller gave up; the caller sees asyncio's own
      ParsedAnswerError           the answer does not fit the asked-for shape
      StoreError                  a store failed; says whether a write may have happened all the same
        StoreRefusedError (+ValueError)  it does not take this key or value
        StoreUnreachableError (+ConnectionError)
        StoreTimedOutError (+TimeoutError)
      ReplicaError                a self-hosted server could not be asked, or said no
        NoReplicaError (+LookupError, ValueError)  nobody on the roster serves it
        ReplicaRefusedError (+ValueError)  the server does not take the request; carries status and body
        ReplicasExhaustedError (+RuntimeError)  everyone who could be asked failed
      ProviderError               a vendor (or the way to it) said no
        BadRequestError (+ValueError)
          TooLongError            the prompt does not fit the model
          UnsupportedParameterError
        AuthenticationError       the key is missing, wrong or revoked
        PermissionDeniedError     the key may not do this
        RefusedError              the vendor's content rules
        ModelNotFoundError        the vendor does not know the model, or no longer
        QuotaExhaustedError       the account has no money left
        RateLimitedError          slow down; carries retry_after
        OverloadedError           the vendor has no room (503, 529)
        ServerError               the vendor broke (5xx)
        MalformedAnswerError      bytes came that are no answer
        UnreachableError (+ConnectionError)
        TimedOutError (+TimeoutError)
        StreamInterruptedError    the stream broke after its first piece; carries the partial text

What happens after each of them is a table: ``core/failures.py``.
"""

from typing import TYPE_CHECKING, Any, ClassVar

from creative_services.core.secrets import redact

if TYPE_CHECKING:
    from creative_services.core.completions import Attempt
    from creative_services.core.llm_registry import LLMEntry
    from creative_services.core.usage import Usage


def _revive(kind: "type[CreativeServicesError]", message: str, state: dict[str, Any]) -> "CreativeServicesError":
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class CreativeServicesError(Exception):
    """Base of the family. Do not raise directly."""

    def __init__(self, message: str) -> None:
        super().__init__(redact(message))

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses take keyword arguments, which the default pickling of exceptions would lose.
        return (_revive, (type(self), str(self.args[0]), self.__dict__))


class ConfigurationError(CreativeServicesError, ValueError):
    """Something is set up in a way that cannot work."""


class UnknownProviderError(ConfigurationError):
    """An entry names a provider nobody registered."""


class MissingDependencyError(ConfigurationError, ImportError):
    """A driver is not installed."""

    def __init__(self, wanted_for: str, *, extra: str, missing: str) -> None:
        super().__init__(
            f"{wanted_for} needs the package '{missing}', which is not installed. "
            f"Install it with: pip install 'creative-services[{extra}]'"
        )
        self.extra = extra


class NoEntryError(CreativeServicesError, LookupError):
    """No entry answers the wish."""


class RegistryUnavailableError(CreativeServicesError, ConnectionError):
    """The registry could not read its entries even once; later failures are bridged with what it has read."""


class BudgetExceededError(CreativeServicesError):
    """The call was refused before it was made: it could have cost more than is left."""


class CallCancelledError(CreativeServicesError):
    """The caller gave up while the vendor was still working; what it cost is an estimate."""


class ParsedAnswerError(CreativeServicesError):
    """The answer does not fit the shape that was asked for, also after one repair."""

    def __init__(self, message: str, *, content: str) -> None:
        super().__init__(message)
        self.content = content


class StoreError(CreativeServicesError):
    """A key-value store did not do what was asked.

    ``may_have_happened`` is True when a write was under way: it may take effect, now or when the store comes back.
    """

    def __init__(self, message: str, *, may_have_happened: bool = False) -> None:
        super().__init__(message)
        self.may_have_happened = may_have_happened


class StoreRefusedError(StoreError, ValueError):
    """The store does not take this key, value or time to live."""


class StoreUnreachableError(StoreError, ConnectionError):
    """No connection to the store could be made, or it broke."""


class StoreTimedOutError(StoreError, TimeoutError):
    """The store did not answer in time."""


class ReplicaError(CreativeServicesError):
    """A self-hosted server could not be asked, or said no."""


class NoReplicaError(ReplicaError, LookupError, ValueError):
    """Nobody on the roster serves what was asked for."""


class ReplicaRefusedError(ReplicaError, ValueError):
    """The server does not take the request as it is; no other server was asked."""

    def __init__(self, message: str, *, status: int, body: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = redact(body)


class ReplicasExhaustedError(ReplicaError, RuntimeError):
    """Everyone who could be asked failed; the last failure is the cause."""


class ProviderError(CreativeServicesError):
    """A vendor, or the way to it, said no."""

    retryable: ClassVar[bool] = False
    advice: ClassVar[str] = "Read the vendor's message; it is quoted above."

    def __init__(
        self,
        what: str,
        *,
        llm: "LLMEntry | None" = None,
        status: int | None = None,
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.what = redact(what, llm.api_key if llm else None)
        self.llm = llm
        self.status = status
        self.code = code
        self.param = param
        self.request_id = request_id
        self.retry_after = retry_after
        self.attempts: tuple[Attempt, ...] = ()
        super().__init__(self._sentence())

    @property
    def provider(self) -> str | None:
        """The provider of the entry that failed."""
        return self.llm.provider if self.llm else None

    @property
    def model(self) -> str | None:
        """The model of the entry that failed."""
        return self.llm.model if self.llm else None

    def _sentence(self) -> str:
        where = str(self.llm) if self.llm else "the provider"
        answered = f"answered {self.status}: " if self.status else ""
        told = f"{where}: {answered}{self.what.rstrip('. ')}."
        if self.request_id:
            told += f" Request id {self.request_id}."
        if self.retry_after is not None:
            told += f" The vendor asks to wait {self.retry_after:g} s."
        return f"{told} {'Worth another try' if self.retryable else 'Not retried'}. {self.advice}"


class BadRequestError(ProviderError, ValueError):
    """The vendor does not accept the request as it is."""

    advice = "Change the request; the vendor's message says what it does not accept."


class TooLongError(BadRequestError):
    """The prompt does not fit the model."""

    advice = "Shorten the prompt, or ask for needs=Needs(context=...) so that a larger model is chosen."


class UnsupportedParameterError(BadRequestError):
    """The model refuses a parameter that the caller set."""

    advice = "Leave the parameter out, or choose a model that takes it."


class AuthenticationError(ProviderError):
    """The key is missing, wrong or revoked."""

    advice = "Check the key of this entry: `creative-services doctor` tries each one."


class PermissionDeniedError(ProviderError):
    """The key is valid but may not do this."""

    advice = "Ask the vendor's console which models and regions this key may use."


class RefusedError(ProviderError):
    """The vendor's content rules forbid the request."""

    advice = "Rephrase the request; another try of the same text will be refused too."


class ModelNotFoundError(ProviderError):
    """The vendor does not know the model, or no longer."""

    advice = "Choose another model for this entry: `creative-services llms` shows retirement dates and successors."


class QuotaExhaustedError(ProviderError):
    """The vendor account has no credit left."""

    advice = "Add credit at the vendor, or raise the account's limit."


class RateLimitedError(ProviderError):
    """The vendor asks to slow down."""

    retryable = True
    advice = "Wait, lower the concurrency, or add a second entry to the tier."


class OverloadedError(ProviderError):
    """The vendor has no room at the moment."""

    retryable = True
    advice = "Try again later, or add a second entry to the tier."


class ServerError(ProviderError):
    """The vendor broke."""

    retryable = True
    advice = "Try again later; quote the request id to the vendor if it goes on."


class MalformedAnswerError(ProviderError):
    """Bytes came back that are no answer."""

    retryable = True
    advice = "Check that the endpoint is an API of this vendor and not a proxy's error page."


class UnreachableError(ProviderError, ConnectionError):
    """No connection could be made, or it broke before an answer."""

    retryable = True
    advice = "Check the endpoint and the network: `creative-services doctor` tries each one."


class TimedOutError(ProviderError, TimeoutError):
    """No answer in time."""

    retryable = True
    advice = "Give the call a longer timeout, or choose a faster model."


class StreamInterruptedError(ProviderError):
    """The stream broke after its first piece, so another try could repeat text the caller already has."""

    advice = "Keep .partial_text and ask again, or continue from it."

    def __init__(self, what: str, *, partial_text: str = "", usage: "Usage | None" = None, **where: Any) -> None:
        super().__init__(what, **where)
        self.partial_text = partial_text
        self.usage = usage
