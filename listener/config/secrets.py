"""Secrets are read when they are needed, from where the configuration says, and never printed.

A missing secret does not stop the configuration from loading: `listener doctor` reports it, and so does the first use.

    SecretMissing   the variable or file that should hold the secret does not; the message says which and what to do
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr

_LARGEST = 64 * 1024  # bytes; a secret is a line, and a mistaken path must not read a disk image


class SecretMissing(Exception):  # noqa: N818  # named for what happened, like the errors of the other packages
    """Says which variable or file is missing or empty; holds no secret."""


def read_secret(table: BaseModel, key: str, environ: Mapping[str, str]) -> SecretStr | None:
    """The secret that `<key>_env` or `<key>_file` of `table` leads to; None where neither is set.

    Surrounding blanks and line ends are dropped. Raises `SecretMissing`.
    """
    variable = getattr(table, f"{key}_env", None)
    if variable is not None:
        value = environ.get(str(variable), "").strip()
        if not value:
            raise SecretMissing(f"the environment variable {variable} ({key}_env) is not set; set it and start again")
        return SecretStr(value)
    file = getattr(table, f"{key}_file", None)
    if file is not None:
        return SecretStr(_read(Path(file), key))
    return None


def _read(file: Path, key: str) -> str:
    try:
        with file.open("rb") as opened:
            value = opened.read(_LARGEST).decode().strip()
    except UnicodeDecodeError:
        raise SecretMissing(f"the file {file} ({key}_file) is not text; write the secret alone into it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "bad path"
        raise SecretMissing(
            f"the file {file} ({key}_file) cannot be read: {reason}; create it or correct the path"
        ) from None
    if not value:
        raise SecretMissing(f"the file {file} ({key}_file) is empty; write the secret into it")
    return value


def secret_keys(table: BaseModel) -> tuple[str, ...]:
    """The secrets that `table` refers to: `token` for a `token_env` or `token_file` that is set."""
    found = []
    for name in type(table).model_fields:
        key = name.removesuffix("_env").removesuffix("_file")
        if name.endswith(("_env", "_file")) and getattr(table, name) is not None and key not in found:
            found.append(key)
    return tuple(found)
