"""What came of quizzes, on the screen. The console is injected."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..quiz import Score, score
from ..results.quiz_words import HEADINGS, figures
from ..results.wording import class_name
from ..store.quizzes import Quiz


def show(console: Console, finished: Sequence[Quiz]) -> None:
    """A line for each, and for each person the confusion of all of theirs."""
    table = Table(title="Quizzes", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("person", "on", "of", *HEADINGS):
        table.add_column(heading, justify="left" if heading in ("person", "on", "of") else "right")
    for quiz in finished:
        found = score(quiz.asked)
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(quiz.begun_at))
        table.add_row(quiz.person, day, quiz.source or "signed sessions", *figures(found))
    console.print(table)
    for person in dict.fromkeys(quiz.person for quiz in finished):
        own = score(cell for quiz in finished if quiz.person == person for cell in quiz.asked)
        console.print(Text(f"{person}: rows as signed, columns as named", style="bold"), soft_wrap=True)
        console.print(_confusion(own))
        for line in _mistaken(own):
            console.print(Text(line), soft_wrap=True)


def _confusion(found: Score) -> Table:
    """Columns by the number of their row."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("signed as")
    for number in range(1, len(found.classes) + 1):
        table.add_column(str(number), justify="right")
    for number, (label, row) in enumerate(zip(found.classes, found.table, strict=True), 1):
        said = [Text(str(n) if n else "·", style="green" if n and at == number else "") for at, n in enumerate(row, 1)]
        table.add_row(f"{number} {class_name(label)}", *said)
    return table


def _mistaken(found: Score) -> list[str]:
    """The commonest confusions in words."""
    wrong = [
        (n, found.classes[row], found.classes[column])
        for row, counts in enumerate(found.table)
        for column, n in enumerate(counts)
        if n and row != column
    ]
    return [
        f"{n} {class_name(label)} named {class_name(said)}"
        for n, label, said in sorted(wrong, key=lambda one: -one[0])[:5]
    ]
