"""Prints, as JSON, what the sessions' database holds: run in the container as the service's user, `ask.py [SINCE]`.

"cells" are all but what is set aside as no white cell.
"first_after" is the capture of the first counted frame after SINCE (`time.time()`).
"""

import json
import sqlite3
import sys

DATABASE = "/var/lib/leuko-edge/sessions.sqlite3"

since = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
connection = sqlite3.connect(f"file:{DATABASE}?mode=ro", uri=True, timeout=5)
session, state = connection.execute("SELECT id, state FROM session ORDER BY id DESC LIMIT 1").fetchone()
cells = connection.execute(
    "SELECT id, counted FROM cell WHERE session = ? AND undone_at IS NULL AND label NOT IN ('platelet', 'artefact')"
    " ORDER BY id",
    (session,),
).fetchall()
fields = connection.execute(
    "SELECT count(*), coalesce((max(captured_at) - min(captured_at)) / 86400, 0) FROM field WHERE session = ?",
    (session,),
).fetchone()
first = connection.execute(
    "SELECT min(captured_at) FROM field WHERE session = ? AND captured_at > ?", (session, since)
).fetchone()
frames = connection.execute("SELECT counted FROM accounts WHERE session = ?", (session,)).fetchone()
told = {
    "session": session,
    "state": state,
    "cells": [id for id, _ in cells],
    "leukocytes": sum(counted for _, counted in cells),
    "fields": fields[0],
    "days": fields[1],
    "frames": frames[0] if frames else 0,
    "first_after": first[0],
}
print(json.dumps(told))
