"""What is set for this device and this user, and by whom.

`keys` is the table of all settings, `values` their rules, `files` reads TOML with its lines, `loading` lays one layer
over the other, `filling` gives counting what its flags left open, `example` is the commented file, `command` is
`leuko-edge config`.
"""

from .files import ConfigurationError
from .loading import Configuration, add_option, load

__all__ = ["Configuration", "ConfigurationError", "add_option", "load"]
