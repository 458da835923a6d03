"""Secrets are read when they are needed, from where the configuration says, and never printed.

A missing secret does not stop the configuration from loading: `listener doctor` reports it, and so does the first use.

    SecretMissing   the variable or file that should hold the secret does not; the message says which and what to do
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr

from listener.config.problems import Path as Place
from listener.config.problems import Report, looks_secret

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")  # capitals only, so that a token put here is noticed and not printed
_TOKEN = re.compile(r"\s*(xox[a-z]-|xapp-|Bearer\s|AAAAAAAAAAAAAAAA|gh[pousr]_)")  # Slack, X, GitHub
_LARGEST = 64 * 1024  # bytes; a secret is a line, and a mistaken path must not read a disk image


class SecretMissing(Exception):  # named for what happened, like the errors of the other packages
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


def refuse_secrets(report: Report, value: object, place: Place = ()) -> None:
    """Report every secret that stands in the file itself: it would be copied, mailed and committed with it.

    Looks at names of keys, at what `*_env` keys hold, and at the shape of well-known tokens; repeats none of them.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            if looks_secret(key) and isinstance(inner, str | int | float):
                report.final(
                    (*place, key),
                    "a secret must not stand in this file",
                    f'put it into an environment variable and write {key}_env = "ITS_NAME", or into a file and write'
                    f' {key}_file = "its path"; then replace the secret, for it was written down',
                )
            elif key.endswith("_env") and isinstance(inner, str) and not _VARIABLE.fullmatch(inner):
                report.final(
                    (*place, key),
                    "this is not the name of an environment variable",
                    'write the name alone, in capitals, such as "SLACK_BOT_TOKEN", and keep the secret itself out of the file',
                )
            else:
                refuse_secrets(report, inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            refuse_secrets(report, inner, (*place, index))
    elif isinstance(value, str) and _TOKEN.match(value):
        report.final(
            place,
            "this looks like a token, and a secret must not stand in this file",
            "put it into an environment variable or a file, and name that with the key that ends in _env or _file;"
            " then replace the token, for it was written down",
        )
