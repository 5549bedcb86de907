"""`leuko-edge review` and `leuko-edge users`: the pages for reviewing and signing, and who may use them."""

from __future__ import annotations

import argparse
import getpass
import ipaddress
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import config
from ..config.options import add_setting, given
from ..errors import EnvironmentBroken, NotInstalled, UsageError
from ..files import default_path
from .database import add_database, database
from .teach import SessionTeacher

if TYPE_CHECKING:
    import uvicorn

    from ..config import Settings
    from ..config.settings import ModelSettings
    from ..model.classify import Classifier
    from ..service.status import Status
    from ..store.people import People


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the two commands; `options.run(options)` runs the one that was given and returns its exit code."""
    review = subparsers.add_parser(
        "review",
        help="pages to review, correct and sign",
        description="Serve the pages on which a person reviews, corrects and signs sessions. On this machine nobody "
        "logs in; another --host needs people (leuko-edge users add).",
    )
    for name in ("review.host", "review.port", "review.certificate", "review.key"):
        add_setting(review, name)
    review.add_argument(
        "--until-input-ends", action="store_true", help="end with standard input, for a program that starts it"
    )
    review.add_argument(
        "--folder", metavar="DIR", help="whose count to show as it runs: a service's runtime directory (as of attach)"
    )
    add_setting(review, "model.path", help="what names added cells (default: the configured one)")
    add_setting(review, "model.site")
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
    from ..store.people import People

    settings = config.load(options.config, flags=given(options)).typed()
    model, review = settings.model, settings.review
    if bool(review.certificate) != bool(review.key):
        raise UsageError("--certificate and --key go together")
    path = settings.session.database or os.fspath(default_path())
    local = _loopback(review.host)
    people = None if local else _people(People(path), review.host)
    application = create_app(
        path,
        lambda: _classifier(model),
        people,
        LOOPBACK if local else (),
        bool(review.certificate),
        ServiceHere(options.folder),
        _pdf_apart,
        model.site or "",
        SessionTeacher(path, model),
    )
    listening = _listen(review.host, review.port)
    web = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        ssl_certfile=review.certificate,
        ssl_keyfile=review.key,
    )
    try:
        web.load()
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(f"the certificate or its key cannot be used: {error}") from None
    server = uvicorn.Server(web)
    shown = f"[{review.host}]" if ":" in review.host else review.host
    scheme = "https" if review.certificate else "http"
    print(f"leuko-edge: review at {scheme}://{shown}:{listening.getsockname()[1]}/ (Ctrl-C ends it)", flush=True)
    if not local and not review.certificate:
        print("leuko-edge: without --certificate passwords cross the network in clear", file=sys.stderr, flush=True)
    if options.until_input_ends:
        threading.Thread(target=_end_with_input, args=[server], daemon=True).start()
    server.run(sockets=[listening])
    return 0


def _pdf_apart(path: str, session: int) -> bytes:
    """By a process of its own: what fpdf2 loads is twice what the pages themselves take, and would stay."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "report.pdf")
        words = [sys.executable, "-m", "leuko_edge", "export", str(session), "--database", path, "--pdf", file]
        done = subprocess.run(words, capture_output=True, text=True)
        try:
            with open(file, "rb") as stream:
                return stream.read()
        except OSError:
            said = done.stderr.strip().removeprefix("leuko-edge: ")
            raise EnvironmentBroken(f"the PDF could not be made: {said or 'no reason was given'}") from None


def _classifier(model: ModelSettings) -> Classifier:
    from ..model.classify import Classifier

    return Classifier.from_path(model.path, 1, model.site, model.trusted_keys)  # one cell at a time, beside a count


def _end_with_input(server: uvicorn.Server) -> None:
    sys.stdin.buffer.read()
    server.should_exit = True


def command(settings: Settings, configuration: str | None, folder: str | None) -> Sequence[str]:
    """What the service, whose runtime directory is `folder`, starts to have the pages beside it; `configuration` is its
    own --config."""
    model, review = settings.model, settings.review
    said = {
        "--database": settings.session.database or os.fspath(default_path()),
        "--host": review.host,
        "--port": str(review.port),
        "--certificate": review.certificate,
        "--key": review.key,
        "--model": model.path,
        "--site": model.site,
        "--folder": folder,
        "--config": configuration,
    }
    words = [sys.executable, "-m", "leuko_edge", "review", "--until-input-ends"]
    return [*words, *(word for name, value in said.items() if value is not None for word in (name, value))]


class ServiceHere:
    """The service of this machine, as the pages ask for it (`review.live.Counting`)."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder

    def standing(self) -> Status | None:
        from . import attach

        try:
            return attach.known(attach.find(self._folder))
        except EnvironmentBroken:
            return None

    def picture(self) -> bytes | None:
        from ..service.view_file import look
        from . import attach

        try:
            return look(attach.find(self._folder))
        except EnvironmentBroken:
            return None

    def press(self, key: str, who: str) -> None:
        from ..service.key_socket import send
        from . import attach

        send(attach.find(self._folder), key, who)


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
