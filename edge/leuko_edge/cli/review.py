"""`leuko-edge review` and `leuko-edge users`: the pages for reviewing and signing, and who may use them."""

from __future__ import annotations

import argparse
import getpass
import ipaddress
import socket
import sys
from typing import TYPE_CHECKING

from .. import config
from ..config import values
from ..config.options import add_setting
from ..errors import NotInstalled, UsageError
from .database import add_database, database

if TYPE_CHECKING:
    from ..store.people import People

HOST, PORT = "127.0.0.1", 8642


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the two commands; `options.run(options)` runs the one that was given and returns its exit code."""
    review = subparsers.add_parser(
        "review",
        help="pages to review, correct and sign",
        description="Serve the pages on which a person reviews, corrects and signs sessions. On this machine nobody "
        "logs in; another --host needs people (leuko-edge users add).",
    )
    review.add_argument("--host", default=HOST, metavar="ADDRESS", help=f"where to listen (default {HOST})")
    review.add_argument(
        "--port", type=values.whole(0, 65535), default=PORT, metavar="N", help=f"(default {PORT}; 0: a free one)"
    )
    review.add_argument("--certificate", metavar="FILE", help="TLS: the certificate with its chain, PEM")
    review.add_argument("--key", metavar="FILE", help="TLS: its key, PEM")
    add_setting(review, "model.path", help="what names added cells (default: the configured one)")
    add_database(review)
    review.set_defaults(run=run_review)
    users = subparsers.add_parser(
        "users",
        help="who may review from other machines",
        description="Who may use the review pages from other machines. Roles: a viewer looks, a technologist changes "
        "and signs, a supervisor amends what is signed too.",
    )
    words = users.add_subparsers(required=True, metavar="add|list|remove")
    add = words.add_parser("add", help="the password is asked for, or read from standard input")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--role", choices=("viewer", "technologist", "supervisor"), default="technologist")
    add_database(add)
    add.set_defaults(run=run_add)
    listing = words.add_parser("list", help="names and roles")
    add_database(listing)
    listing.set_defaults(run=run_list)
    remove = words.add_parser("remove", help="signatures and history keep the name")
    remove.add_argument("name", metavar="NAME")
    add_database(remove)
    remove.set_defaults(run=run_remove)


def run_review(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; the exit code. UsageError where it cannot listen there, NotInstalled without the
    web libraries, StoreError as of `schema.open_beside`."""
    try:
        import uvicorn

        from ..review.app import LOOPBACK, create_app
    except ImportError as error:
        raise NotInstalled(f"the review pages need {error.name}", "install leuko-edge[review]") from None
    from ..model.classify import Classifier
    from ..store.people import People

    if bool(options.certificate) != bool(options.key):
        raise UsageError("--certificate and --key go together")
    path = database(options)
    model = config.load(options.config, flags={"model.path": options.model}).typed().model
    local = _loopback(options.host)
    people = None if local else _people(People(path), options.host)
    application = create_app(
        path,
        lambda: Classifier.from_path(model.path, 1, model.site),  # one cell at a time, beside a count
        people,
        LOOPBACK if local else (),
        bool(options.certificate),
    )
    listening = _listen(options.host, options.port)
    tls = {"ssl_certfile": options.certificate, "ssl_keyfile": options.key} if options.certificate else {}
    settings = uvicorn.Config(application, log_level="warning", access_log=False, server_header=False, **tls)
    try:
        settings.load()
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(f"the certificate or its key cannot be used: {error}") from None
    shown = f"[{options.host}]" if ":" in options.host else options.host
    scheme = "https" if options.certificate else "http"
    print(f"leuko-edge: review at {scheme}://{shown}:{listening.getsockname()[1]}/ (Ctrl-C ends it)", flush=True)
    if not local and not options.certificate:
        print("leuko-edge: without --certificate passwords cross the network in clear", file=sys.stderr, flush=True)
    uvicorn.Server(settings).run(sockets=[listening])
    return 0


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _people(people: People, host: str) -> People:
    if not people.all():
        raise UsageError(
            f"{host} can be reached by others, and nobody may log in yet", "leuko-edge users add NAME first"
        )
    return people


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{host} port {port} cannot be listened at ({why})", "name another with --port") from None


def run_add(options: argparse.Namespace) -> int:
    """UsageError as of `People.add`."""
    from ..store.people import People

    if sys.stdin.isatty():
        password = getpass.getpass(f"Password of {options.name}: ")
        if getpass.getpass("Again: ") != password:
            raise UsageError("the two passwords differ")
    else:
        password = sys.stdin.readline().rstrip("\n")
    People(database(options)).add(options.name, options.role, password)
    return 0


def run_list(options: argparse.Namespace) -> int:
    from ..store.people import People

    for person in People(database(options)).all():
        print(f"{person.name}\t{person.role}")
    return 0


def run_remove(options: argparse.Namespace) -> int:
    from ..store.people import People

    People(database(options)).remove(options.name)
    return 0
