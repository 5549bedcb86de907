"""What is offered to who has signed: to teach this laboratory's model with the cells that were named."""

from __future__ import annotations

import shlex
from collections import Counter

from ..session import FEWEST
from ..store.archive import Record


def offer(record: Record, site: str, database: str) -> str:
    """How to teach `site` ("": none yet) with the cells that a person named in a signed session; "" for too few.

    `database`: where the session is, "" for the usual place. Nothing is learnt before a person gives the command.
    """
    counts = Counter(cell.label for cell in record.named)
    enough = [label for label, n in counts.items() if n >= FEWEST]
    if record.info.simulated or record.summary.state != "signed" or len(enough) < 2:
        return ""
    command = f"leuko-edge enrol {shlex.quote(site) if site else 'SITE'} --session {record.summary.id}"
    kept = f" --database {shlex.quote(database)}" if database else ""
    return f"teach this site with the {sum(counts[label] for label in enough)} cells you named: {command}{kept}"
