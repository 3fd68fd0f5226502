"""What can go wrong with an outside service, by what the caller may do next."""


class IntegrationError(Exception):
    """A call to an outside service failed.

    `code` is a stable word or WhatsApp's number, fit for logs and metrics. `reason` is what the service said,
    shortened; it may name a chat, so it belongs to the tenant's data and into no log. `cost_microusd` is what the
    call cost all the same; None when nobody knows.
    """

    def __init__(self, reason: str, *, code: str, cost_microusd: int | None = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.cost_microusd = cost_microusd


class Rejected(IntegrationError):
    """The call had no effect and never will: repeating it is pointless."""


class Unavailable(IntegrationError):
    """The call certainly had no effect, and may succeed later; `retry_after` in seconds when the service says so."""

    def __init__(self, reason: str, *, code: str, retry_after: float | None = None) -> None:
        super().__init__(reason, code=code)
        self.retry_after = retry_after


class Ambiguous(IntegrationError):
    """The call may have had its effect or not: look before repeating it."""


class Malformed(IntegrationError):
    """The service answered something that nobody can read. It may have worked, and charged, all the same.

    Repeating a question may bring a better answer; a second one like it should be the last.
    """
