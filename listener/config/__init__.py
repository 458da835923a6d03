"""The configuration: one TOML file, read whole, checked whole, with every problem told at once.

`load_config(path, connectors)` gives a `Config` or raises `ConfigError`; no other exception leaves it. Each problem
says the file, the line, the place, what is wrong, what is allowed, and the likely intention. Secrets are not in the
file but behind `*_env` and `*_file`, and are read when needed (`Config.secret`).

    ConfigError     the file cannot be used; `problems` holds all of them
    SecretMissing   a secret is not where the file says
"""

from listener.config.finding import find_config
from listener.config.problems import ConfigError, Problem
from listener.config.reading import load_config, parse_config
from listener.config.secrets import SecretMissing
from listener.config.starter import starter_config
from listener.config.whole import Config, SourceConfig

__all__ = [
    "Config",
    "ConfigError",
    "Problem",
    "SecretMissing",
    "SourceConfig",
    "find_config",
    "load_config",
    "parse_config",
    "starter_config",
]
