"""Which sessions a command means: `--database FILE`, else the configured place, else the usual one."""

from __future__ import annotations

import argparse
import os
from typing import Any

from .. import config
from ..config.options import add_setting
from ..files import default_path


def add_database(parser: argparse.ArgumentParser, **how: Any) -> None:
    """`--database` and `--config`; `how` goes to argparse for both."""
    add_setting(parser, "session.database", **how)
    config.add_option(parser, **how)


def database(options: argparse.Namespace) -> str:
    """The path of the file; ConfigurationError as of `config.load`, which is not asked where the option says it."""
    if options.database:
        return str(options.database)
    return config.load(options.config).typed().session.database or os.fspath(default_path())
