"""`leuko-edge sessions name`, `send`, `prune` and `backup`: upkeep of what was counted."""

from __future__ import annotations

import argparse
import contextlib
import os

from ..config import values
from ..errors import UsageError
from .database import add_database, database


def add_words(listing: argparse.ArgumentParser) -> None:
    """`sessions name`, `send`, `prune` and `backup`. The database may be named before or after the word."""
    words = listing.add_subparsers(metavar="name|send|prune|backup", title="upkeep, each with its own --help")
    name = words.add_parser(
        "name",
        help="give a session its sample or operator",
        description="Say whose blood a session is of, or who counted it, until it is signed.",
    )
    name.add_argument("id", type=values.whole(1), metavar="ID", help="the session's number, see leuko-edge sessions")
    name.add_argument("--sample", type=values.NAME, metavar="ID", help="whose blood it is")
    name.add_argument("--operator", type=values.NAME, metavar="NAME", help="who counted it")
    name.set_defaults(run=run_name)
    prune = words.add_parser("prune", help="remove old sessions", description="Remove sessions that ended long ago.")
    prune.add_argument(
        "--older-than", type=values.whole(0), required=True, metavar="DAYS", help="what ended longer ago goes"
    )
    prune.add_argument(
        "--keep-signed",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="signed sessions stay (default: they do)",
    )
    prune.set_defaults(run=run_prune)
    backup = words.add_parser(
        "backup",
        help="copy the sessions to a new file",
        description="Copy all sessions to a new file, also while they are being counted.",
    )
    backup.add_argument("file", metavar="FILE", help="the copy; a file that exists is not written over")
    backup.set_defaults(run=run_backup)
    send = words.add_parser(
        "send",
        help="send again what no LIS has taken yet",
        description="Send the HL7 messages again that export --mllp could not deliver: they wait in the database.",
    )
    send.add_argument("--mllp", metavar="HOST:PORT", help="only those for this place")
    send.add_argument("--list", action="store_true", help="only tell what waits, and why")
    send.set_defaults(run=run_send)
    for parser in (name, send, prune, backup):
        add_database(parser, default=argparse.SUPPRESS)


def run_name(options: argparse.Namespace) -> int:
    """Name the session and return 0; UsageError where it is signed, or nothing is said."""
    import getpass
    import time

    from ..store.review import Review

    if options.sample is None and options.operator is None:
        raise UsageError("name what it is to bear: --sample ID, --operator NAME or both")
    path = database(options)
    if not os.path.exists(path):
        raise UsageError(f"there is no session {options.id} in {path}", "leuko-edge sessions lists them")
    with contextlib.closing(Review(path)) as review:
        review.identify(options.id, options.sample, options.operator, getpass.getuser(), time.time())
    print(f"session {options.id} is named")
    return 0


def run_send(options: argparse.Namespace) -> int:
    """As of `sending.send_again`."""
    from .sending import list_waiting, send_again

    path = database(options)
    return list_waiting(path, options.mllp) if options.list else send_again(path, options.mllp)


def run_prune(options: argparse.Namespace) -> int:
    """Print what was removed and return 0; StoreError as of `prune`."""
    import time

    from ..store.upkeep import prune

    done = prune(database(options), time.time() - 86400 * options.older_than, options.keep_signed)
    size = f"{done.before / 1e6:.1f} MB before, {done.after / 1e6:.1f} MB now"
    waiting = (
        "" if done.shrunk else "; the room is used again by the next sessions, the file shrinks while nobody counts"
    )
    print(f"{done.sessions} sessions removed; {size}{waiting}")
    return 0


def run_backup(options: argparse.Namespace) -> int:
    """Copy the database and return 0; errors as of `backup`."""
    from ..store.upkeep import backup

    count = backup(database(options), options.file)
    print(f"{count} sessions copied to {options.file}")
    return 0
