"""The one error tree of Rotascope.

    RotascopeError
    ├── ConfigurationError        settings, universe or catalogue that cannot be used
    │   ├── UniverseError
    │   └── CatalogueError
    ├── InputError                data handed to us that breaks its contract
    │   ├── FrameError            a record of the log that is not a frame
    │   ├── HistoryError          daily or intraday history that cannot be used
    │   └── SessionError          a date or an instant without a session
    ├── FeedError                 what a vendor answered; `action` says what follows
    ├── SnapshotError             state that does not fit this engine
    └── TransportError            the broker or the client; usually worth another try
        └── UnreadableError       a batch of the log that cannot be unpacked as it was fetched
        └── AccessRefusedError    a connection that will be refused until somebody changes something

Callers branch on `retriable`, never on a list of classes. Whatever reaches an operator ends
with a line "Operator action: …".
"""

from __future__ import annotations


class RotascopeError(Exception):
    """Anything Rotascope raises on purpose.

    Args:
        message: What is wrong, in one sentence.
        operator_action: What a person can do about it; printed as the last line.

    Example:
        >>> print(RotascopeError("topic is missing", operator_action="run 'rotascope topics apply'"))
        topic is missing
        Operator action: run 'rotascope topics apply'
    """

    retriable: bool = False

    def __init__(self, message: str, *, operator_action: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.operator_action = operator_action

    def __str__(self) -> str:
        if self.operator_action is None:
            return self.message
        return f"{self.message}\nOperator action: {self.operator_action}"


class ConfigurationError(RotascopeError):
    """Settings, a universe or a catalogue that cannot be used as written."""


class UniverseError(ConfigurationError):
    """A universe whose instruments, pairs or sources do not fit together."""


class CatalogueError(ConfigurationError):
    """A definition that names an unknown kind, frequency or parameter."""


class InputError(RotascopeError):
    """Data handed to Rotascope that breaks its contract."""


class FrameError(InputError):
    """A record of the log that is not a valid frame.

    Args:
        reason: A stable, low-cardinality label: `length`, `version`, `count` or `crc`.
        message: What is wrong, with the figures.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class HistoryError(InputError):
    """Daily or intraday history that cannot be used."""


class SessionError(InputError):
    """A date or an instant that no session covers."""


class FeedError(RotascopeError):
    """A vendor's answer or message that stops the session as it is.

    Args:
        message: What the vendor said.
        action: `fatal`, `slow_retry`, `reconnect` or `ignore`.
        code: The vendor's own code, where there is one.
        operator_action: What a person can do about it.
    """

    def __init__(
        self,
        message: str,
        *,
        action: str,
        code: int | str | None = None,
        operator_action: str | None = None,
    ) -> None:
        super().__init__(message, operator_action=operator_action)
        self.action = action
        self.code = code
        self.retriable = action in {"slow_retry", "reconnect"}


class SnapshotError(RotascopeError):
    """State that does not fit the engine it is given to."""


class TransportError(RotascopeError):
    """The broker or its client failed; another try may succeed."""

    retriable = True


class UnreadableError(TransportError):
    """A batch of the log cannot be unpacked as it was fetched; fetched again it may be whole.

    Args:
        message: Which batch, and why.
        partition: Of the topic that is read.
    """

    def __init__(self, message: str, *, partition: int) -> None:
        super().__init__(
            message,
            operator_action="if it lasts, the leader's copy is damaged: move the partition's leadership to a "
            "replica whose copy is whole, or begin a new generation of the topic",
        )
        self.partition = partition


class AccessRefusedError(TransportError):
    """Credentials or a certificate are refused, by the broker or by this client."""

    retriable = False
