"""Read a secret that the configuration names but does not hold: from an environment variable or a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from connectors.base import AccessDenied, SourceSettings


def read_secret(settings: SourceSettings, name: str, environment: Mapping[str, str] | None = None) -> str | None:
    """The secret behind `<name>_env` or `<name>_file`; None where neither is set.

    Raises `AccessDenied` where one is set and leads to nothing: a person must act, and polling again changes nothing.
    """
    variable = getattr(settings, f"{name}_env", None)
    file = getattr(settings, f"{name}_file", None)
    if variable:
        value = (os.environ if environment is None else environment).get(variable, "").strip()
        if not value:
            raise AccessDenied(
                f"{name}_env names the environment variable {variable}, which is not set; set it and restart"
            )
        return value
    if file:
        try:
            value = Path(file).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            raise AccessDenied(
                f"{name}_file names {file}, which cannot be read; check the path and its rights"
            ) from None
        if not value:
            raise AccessDenied(f"{name}_file names {file}, which is empty; write the secret into it")
        return value
    return None
