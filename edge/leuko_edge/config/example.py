"""The commented file: every setting with its help, none of them switched on. `deploy/leuko-edge.toml` is this text."""

from __future__ import annotations

import textwrap

from .keys import PREFIX, Key, table
from .loading import SYSTEM
from .values import shown

_WIDTH = 100
_HEAD = f"""\
# The configuration of leuko-edge. A setting below counts once the # before it is taken away.
#
# Read in this order, each stronger than those before it:
#   1. {SYSTEM}
#   2. ~/.config/leuko-edge/leuko-edge.toml
#   3. the FILE of --config FILE
#   4. the environment: {PREFIX}CAMERA_SOURCE is camera.source
#   5. the options of the command
# `leuko-edge config` prints what is in force and where each value comes from.
#
# Text stands in quotes. A relative path is meant from the folder of this file.
"""


def example() -> str:
    """The text of the file, made from the table of settings."""
    parts, heading = [_HEAD], ""
    for key in table().values():
        name, setting = key.name.split(".")
        if name != heading:
            parts.append(f"\n[{name}]\n")
            heading = name
        parts.append(f"{_comment(key)}\n#{setting} = {shown(key.example if key.default is None else key.default)}\n")
    return "".join(parts)


def _comment(key: Key) -> str:
    text = f"{key.help[:1].upper()}{key.help[1:]}."
    if key.default is None:
        text += f" Not set: {key.otherwise}."
    return textwrap.fill(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")
