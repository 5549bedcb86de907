"""Signing a session, and opening a signed one again: every signed version stays, with what its cells were signed as.

Each function works inside the caller's transaction and adds its line to the history.
"""

from __future__ import annotations

from ..errors import UsageError
from . import table_rows
from .corrections import Execute, record


def sign(execute: Execute, session: int, who: str, at: float) -> int:
    """The result stands as version 1, 2, …, which is returned; who may sign, and when, is the caller's to know.

    UsageError where nobody is named.
    """
    if not who.strip():
        raise UsageError("a signature needs a name", "name the operator, then sign")
    found = execute("SELECT amendment, ended_at FROM session WHERE id = ?", (session,)).fetchone()
    reason, ended = found["amendment"], found["ended_at"]
    newest = execute("SELECT coalesce(max(version), 0) FROM signature WHERE session = ?", (session,)).fetchone()
    version = int(newest[0]) + 1
    cells = execute("SELECT id, label FROM cell WHERE session = ? AND undone_at IS NULL", (session,))
    labels = table_rows.text({str(row["id"]): row["label"] for row in cells})
    execute(
        "INSERT INTO signature (session, version, signed_by, signed_at, reason, labels) VALUES (?, ?, ?, ?, ?, ?)",
        (session, version, table_rows.utf8(who), float(at), reason or "", labels),
    )
    execute(
        "UPDATE session SET state = 'signed', amendment = NULL, signed_by = ?, signed_at = ?, ended_at = ? "
        "WHERE id = ?",
        (table_rows.utf8(who), float(at), float(at) if ended is None else ended, session),
    )
    execute("DELETE FROM keyframe WHERE session = ?", (session,))  # nothing is counted into it any more
    record(execute, session, at, who, "signed")
    return version


def countersign(execute: Execute, session: int, who: str, at: float) -> None:
    """`who` signs the newest version too."""
    execute(
        "UPDATE signature SET second_by = ?, second_at = ? WHERE session = ? AND version = "
        "(SELECT max(version) FROM signature WHERE session = ?)",
        (table_rows.utf8(who), float(at), session, session),
    )
    record(execute, session, at, who, "signed as the second")


def amend(execute: Execute, session: int, reason: str, who: str, at: float) -> None:
    """Open a signed session again, for `reason`; what was signed stays in its table."""
    words = table_rows.utf8(reason)
    execute("UPDATE session SET state = 'closed', amendment = ? WHERE id = ?", (words, session))
    record(execute, session, at, who, "amended", words)
