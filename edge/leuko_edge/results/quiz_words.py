"""What came of a quiz, in words: for the terminal and for the page."""

from __future__ import annotations

from ..quiz import Score
from .wording import NOTHING

HEADINGS = ("cells", "alike", "κ (95 %)", "s a cell")


def figures(found: Score) -> tuple[str, str, str, str]:
    """In the order of `HEADINGS`."""
    agreement, value = found.kappa, NOTHING
    if agreement.value is not None and agreement.ci95 is not None:
        low, high = agreement.ci95
        value = f"{agreement.value:.2f} ({low:.2f} to {high:.2f})"
    return str(agreement.n), f"{100 * agreement.agreement:.0f} %", value, f"{found.seconds:.1f}"
