"""What is set for this device and this user, and by whom.

`keys` is the table of all settings, `values` their rules, `files` reads TOML with its lines, `loading` lays one layer
over the other, `settings` is what the rooms get, `options` makes options of the table, `example` the commented file.
"""

from .files import ConfigurationError
from .loading import Configuration, add_option, defaults, load
from .settings import CameraSettings, CountSettings, Settings

__all__ = [
    "CameraSettings",
    "Configuration",
    "ConfigurationError",
    "CountSettings",
    "Settings",
    "add_option",
    "defaults",
    "load",
]
