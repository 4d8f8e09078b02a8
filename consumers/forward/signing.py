"""The signature of a post: HMAC-SHA256 over its time and its body.

The signed bytes are the text of `Rotascope-Timestamp` (seconds since 1970, in digits), a full stop, and the
body as it is sent. `Rotascope-Signature` is `v1=` and the result in 64 hexadecimal digits.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from core.model.errors import ConfigurationError
from core.model.forward_settings import ForwardSettings

TIMESTAMP_HEADER: Final = "Rotascope-Timestamp"
SIGNATURE_HEADER: Final = "Rotascope-Signature"
VARIABLE: Final = "ROTASCOPE_FORWARD__SECRET"
LEAST_BYTES: Final = 16


class Signer:
    """Signs posts; its secret is never shown.

    Args:
        secret: Shared with the receiver.

    Example:
        >>> Signer(b"an example secret").headers(b"{}", timestamp_s=1720710840)["Rotascope-Signature"][:9]
        'v1=89f717'
    """

    def __init__(self, secret: bytes) -> None:
        self.__secret = secret

    def headers(self, body: bytes, *, timestamp_s: int) -> dict[str, str]:
        """Make the headers of one attempt.

        Args:
            body: As it is sent.
            timestamp_s: Wall time of the attempt, s UTC.
        """
        signed = b"%d." % timestamp_s + body
        digest = hmac.new(self.__secret, signed, hashlib.sha256).hexdigest()
        return {TIMESTAMP_HEADER: str(timestamp_s), SIGNATURE_HEADER: f"v1={digest}"}


def signer_of(settings: ForwardSettings) -> Signer | None:
    """Read the secret; None where there is none.

    Raises:
        ConfigurationError: The file cannot be read, or the secret is too short to be one.
    """
    if settings.secret_file is not None:
        where = f"forward.secret_file {settings.secret_file}"
        try:
            secret = settings.secret_file.read_bytes().strip()
        except OSError as error:
            raise ConfigurationError(
                f"{where}: {error.strerror}", operator_action="correct the path, or the file's rights"
            ) from error
    elif settings.secret is not None:
        where, secret = VARIABLE, settings.secret.get_secret_value().strip().encode()
    else:
        return None
    if len(secret) < LEAST_BYTES:
        raise ConfigurationError(
            f"{where}: the secret has {len(secret)} bytes; fewer than {LEAST_BYTES} can be guessed",
            operator_action="make one with 'openssl rand -hex 32' and give it to the receiver as well",
        )
    return Signer(secret)
