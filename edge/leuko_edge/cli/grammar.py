"""The command line's grammar: argparse whose complaints are one sentence, with what was probably meant."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from ..config.guess import cure
from ..errors import EXIT_CODES, UsageError


class Terse(argparse.ArgumentParser):
    """Raises UsageError instead of printing its usage and leaving; `--help` still leaves by SystemExit.

    No option is known by its first letters: a word of a script must mean the same in the next version. The commands of
    the two other packages are read by it too.
    """

    def __init__(self, **how: Any) -> None:
        super().__init__(**{"allow_abbrev": False, "exit_on_error": False, **how})

    def error(self, message: str, *cure: str) -> NoReturn:
        raise UsageError(message, *cure)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        try:
            return super().parse_known_args(args, namespace)
        except argparse.ArgumentError as error:
            name = error.argument_name
            raise UsageError(f"{name}: {error.message}" if name else error.message) from None

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, left = self.parse_known_args(args, namespace)
        if left:
            raise self.unknown(left[0])
        return found

    def unknown(self, word: str, commands: Sequence[str] = ()) -> UsageError:
        """What to say of a word that is no option; where `commands` are given it may have been meant as one."""
        see = f"see {self.prog} --help"
        name = word.partition("=")[0]
        if name.startswith("-"):
            return UsageError(f"there is no option {name}", cure(name, self._options(), see))
        if commands:
            return UsageError(f"there is no command {word!r}", cure(word, commands, see))
        return UsageError(f"{word!r} goes with no option", see)

    def _options(self) -> Iterator[str]:
        """Its own, and those of the words below it."""
        for action in self._actions:
            yield from action.option_strings
            if isinstance(action, argparse._SubParsersAction):
                for below in action.choices.values():
                    yield from below._options()

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            words = list(action.choices)
            raise UsageError(f"there is no {value!r} here", cure(str(value), words, f"take {' or '.join(words)}"))


class Parser(Terse):
    """Of leuko-edge: its exit codes, the same for every command, stand in each help."""

    def format_help(self) -> str:
        codes = "".join(f"  {code:<4} {what}\n" for code, what in EXIT_CODES.items())
        return f"{super().format_help()}\nexit codes:\n{codes}"
