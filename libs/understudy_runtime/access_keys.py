"""The access keys of the control API: a file in YAML or JSON, as a mounted Kubernetes secret is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, SecretStr, StringConstraints, ValidationError, field_validator

from understudy_domain.errors import UnderstudyError
from understudy_runtime import safe_yaml
from understudy_runtime.safe_yaml import YamlRefused

SECRET_LENGTH_MIN: Final = 16
"""Characters. A captured request lets anybody try secrets for as long as they like: short ones would be found."""


class AccessKeysUnusable(UnderstudyError):
    """A file of access keys that cannot be read or does not parse; the message names the line or the field."""

    code = "access_keys_unusable"


class AccessKey(BaseModel):
    """One access key. Its secret shows in no ``repr``."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    access_key_id: Annotated[str, StringConstraints(pattern=r"\A[A-Za-z0-9_.-]{1,128}\z")]
    secret_access_key: SecretStr
    name: Annotated[str, StringConstraints(pattern=r"\A[^\x00-\x1f\x7f]{0,128}\z")] = ""
    """Whose it is, for people; logs and events say it beside the id."""
    read_only: bool = False
    """Whether it may only ask."""

    @field_validator("secret_access_key")
    @classmethod
    def _is_long_enough(cls, secret: SecretStr) -> SecretStr:
        if len(secret.get_secret_value()) < SECRET_LENGTH_MIN:
            raise ValueError(f"should have at least {SECRET_LENGTH_MIN} characters")
        return secret


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    keys: list[AccessKey]


def parse_access_keys(content: bytes, *, name: str) -> Mapping[str, AccessKey]:
    """The keys in a file, by id: ``keys: [{access_key_id, secret_access_key, name?, read_only?}, …]``.

    Args:
        content: the file's bytes.
        name: the file's, for messages.

    Raises:
        AccessKeysUnusable: it says something else. The message has none of its values.
    """
    try:
        node = safe_yaml.compose(content.decode())
        found: Any = None if node is None else safe_yaml.constructed(node)
    except YamlRefused as err:
        raise AccessKeysUnusable(f"{name}, line {err.line}: neither YAML nor JSON: {err}") from None
    except UnicodeError:
        raise AccessKeysUnusable(f"{name}: neither YAML nor JSON: it is not UTF-8") from None
    if not isinstance(found, dict):
        raise AccessKeysUnusable(f"{name}: no list `keys` in it")
    try:
        keys = _File.model_validate(found).keys
    except ValidationError as err:
        # Of what was found nothing is quoted: it may be a secret in the wrong place.
        wrong = (f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in err.errors(include_input=False)[:5])
        raise AccessKeysUnusable(f"{name}: {'; '.join(wrong)}") from None
    twice = [key_id for key_id, count in Counter(key.access_key_id for key in keys).items() if count > 1]
    if twice:
        raise AccessKeysUnusable(f"{name}: the access key {twice[0]} is there more than once")
    return {key.access_key_id: key for key in keys}


def read_access_keys(path: Path) -> Mapping[str, AccessKey]:
    """The keys in a file as it is now: for who signs, and asks again if it was half of one.

    Raises:
        AccessKeysUnusable: the file cannot be read, or as ``parse_access_keys``.
    """
    try:
        content = path.read_bytes()
    except OSError as err:
        raise AccessKeysUnusable(f"{path} cannot be read: {err.strerror}") from err
    return parse_access_keys(content, name=str(path))
