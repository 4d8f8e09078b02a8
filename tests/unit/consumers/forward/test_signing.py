"""The signature, and where its secret comes from."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
from pydantic import SecretStr

from consumers.forward.signing import Signer, signer_of
from core.model.errors import ConfigurationError
from core.model.forward_settings import ForwardSettings
from core.runtime.settings import collect_settings

SECRET = "0123456789abcdef-secret"  # noqa: S105 - of this test only


def test_time_and_body_are_signed() -> None:
    headers = Signer(SECRET.encode()).headers(b'{"a":1}', timestamp_s=1_720_710_840)
    expected = hmac.new(SECRET.encode(), b'1720710840.{"a":1}', hashlib.sha256).hexdigest()
    assert headers == {"Rotascope-Timestamp": "1720710840", "Rotascope-Signature": f"v1={expected}"}
    assert SECRET not in repr(vars(Signer)) + repr(Signer(SECRET.encode()))


def test_a_file_and_a_variable_give_the_same_signature(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    of_file = signer_of(ForwardSettings(secret_file=file))
    of_variable = signer_of(ForwardSettings(secret=SecretStr(SECRET)))
    assert of_file is not None
    assert of_variable is not None
    assert of_file.headers(b"x", timestamp_s=1) == of_variable.headers(b"x", timestamp_s=1)
    assert signer_of(ForwardSettings()) is None


def test_a_secret_that_cannot_be_used_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        signer_of(ForwardSettings(secret_file=tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="has 7 bytes") as raised:
        signer_of(ForwardSettings(secret=SecretStr("hunter2")))
    assert "hunter2" not in str(raised.value)


def test_a_settings_file_may_not_hold_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "rotascope.toml"
    file.write_text(f'[forward]\nsecret = "{SECRET}"\n')
    with pytest.raises(ConfigurationError, match=r"forward\.secret does not belong in a file") as raised:
        collect_settings(file, {})
    assert SECRET not in str(raised.value)
    assert "ROTASCOPE_FORWARD__SECRET" in str(raised.value)
    file.write_text('[forward]\nsecret_file = "other"\n')
    monkeypatch.setenv("ROTASCOPE_FORWARD__SECRET", SECRET)
    with pytest.raises(ConfigurationError, match="both set"):
        collect_settings(file, {})
