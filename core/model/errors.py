"""The error tree of Rotascope.

    RotascopeError
    ├── ConfigurationError        invalid settings, universe or catalogue
    │   ├── UniverseError
    │   ├── CatalogueError
    │   └── ArtefactsError        a set that the log names and that cannot be found
    ├── InputError                input data that violate their contract
    │   ├── FrameError            a record of the log that is not a valid frame
    │   ├── HistoryError          invalid daily or intraday history
    │   └── SessionError          a date or time without a session
    ├── FeedError                 a vendor's error; `action` is the reaction
    ├── SnapshotError             state that is incompatible with this engine
    └── TransportError            the broker or the client; usually retriable
        └── UnreadableError       a batch of the log that cannot be unpacked as it was fetched
        └── AccessRefusedError    a connection that is refused until credentials or rights change

Callers branch on `retriable`, never on a list of classes. Messages for operators end with a line
"Operator action: …".
"""

from __future__ import annotations


class RotascopeError(Exception):
    """Base class of Rotascope's errors.

    Args:
        message: Description of the error, in one sentence.
        operator_action: How an operator can fix it; printed as the last line.

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
    """Invalid settings, universe or catalogue."""


class UniverseError(ConfigurationError):
    """A universe with inconsistent instruments, pairs or sources."""


class CatalogueError(ConfigurationError):
    """A definition that names an unknown kind, frequency or parameter."""


class ArtefactsError(ConfigurationError):
    """The log names a set of base rates and rarity that cannot be found."""


class InputError(RotascopeError):
    """Input data that violate their contract."""


class FrameError(InputError):
    """A record of the log that is not a valid frame.

    Args:
        reason: Stable, low-cardinality label: `length`, `version`, `count` or `crc`.
        message: What is wrong, with the figures.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class HistoryError(InputError):
    """Invalid daily or intraday history."""


class SessionError(InputError):
    """A date or time that no session covers."""


class FeedError(RotascopeError):
    """A vendor's response or message that affects the session.

    Args:
        message: The vendor's message.
        action: `fatal`, `slow_retry`, `reconnect` or `ignore`.
        code: The vendor's code, if any.
        operator_action: How an operator can fix it.
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
    """State that is incompatible with the engine."""


class TransportError(RotascopeError):
    """The broker or its client failed; a retry may succeed."""

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
