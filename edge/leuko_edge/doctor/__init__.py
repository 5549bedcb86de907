"""`leuko-edge doctor` and `leuko-edge bench`: is this device fit to count, and how fast does it?

A check is a function of a `Machine` that returns `Finding`s. Each runs in a process of its own with a time limit
(`contained`), so a driver that hangs or a library that dies costs its own finding and nothing else.
"""

from .containment import contained
from .finding import BAD, GOOD, SKIPPED, WARNING, Finding
from .machine import Machine

__all__ = ["BAD", "GOOD", "SKIPPED", "WARNING", "Finding", "Machine", "contained"]
