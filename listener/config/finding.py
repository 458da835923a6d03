"""Where the configuration is looked for when the command line does not say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from listener.config.problems import ConfigError, Problem

FILE_NAME = "listener.toml"


def find_config(named: Path | None, folder: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The file `--config` names; else ./listener.toml; else listener/listener.toml in the user's config folder.

    `folder` is the current folder. Raises `ConfigError` that names `listener init`.
    """
    if named is not None:
        return named  # whether it can be read is for `load_config` to say
    here = (folder or Path.cwd()) / FILE_NAME
    own = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or Path.home()) / ".config")
    candidates = (here, own / "listener" / FILE_NAME)
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    looked = " and ".join(str(candidate) for candidate in candidates)
    raise ConfigError(
        (
            Problem(
                f"no configuration was found (looked for {looked})",
                "`listener init` writes one here; `listener --config FILE` names another; `listener demo` needs none",
            ),
        )
    )
