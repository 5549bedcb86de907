"""`leuko-edge serve`: the counter as a service, under systemd or by hand. It constructs; `loop` does the work."""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import os
import signal
import tempfile
from collections.abc import Iterator
from types import FrameType

from ..config import add_option
from ..config.options import add_setting, given
from ..errors import EnvironmentBroken, LeukoError
from ..service.systemd import Notifier
from . import review

_EPILOG = """\
SIGTERM and the end of a film are exit code 0; 4 is what only a new start can mend.
A fault (no camera, a refused model, a full disk …) ends nothing: it is told, and tried again after 1, 2, 4 … 60 s."""


class Stopped(BaseException):
    """A signal asks the service to end; its number is the argument."""


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "serve",
        help="count as a service",
        description="Count session after session, as a service of the device: see deploy/leuko-edge.service.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_option(parser)
    source = parser.add_mutually_exclusive_group()
    add_setting(source, "camera.source")
    source.add_argument("--video", metavar="FILE", help="for trying it: a film, or a folder of pictures as one")
    source.add_argument("--demo", action="store_true", help="for trying it: a simulated smear, drawn here, for ever")
    add_setting(parser, "session.database")
    add_setting(parser, "service.display")
    add_setting(parser, "qc.max_age")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal or the end of a film; the exit code. LeukoErrors as of `Service.run`."""
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "4")  # seconds; OpenCV reads it when it is loaded
    with contextlib.suppress(OSError, ValueError, AttributeError):  # no standard error to write to
        faulthandler.enable()  # where it hung, should the watchdog have to end it
    notifier = Notifier()
    notifier.status("starting")
    try:
        with _signals():
            return _serve(options, notifier)
    except Stopped as stopped:  # while it was being put together
        return _code(stopped)
    except LeukoError as error:
        notifier.stopping(f"failed: {' '.join(str(error).split())}")
        raise


def _serve(options: argparse.Namespace, notifier: Notifier) -> int:
    try:
        from ..config import load
        from ..live.session_info import TARGET
        from ..service.console import DeviceFace
        from ..service.journal import Journal
        from ..service.key_socket import Control
        from ..service.loop import Service
        from ..service.reporter import Teller
        from ..service.review_process import ReviewProcess
        from ..service.runtime_lock import RuntimeLock
        from ..service.status import StatusFile, own_folder
        from ..service.view_writer import ViewWriter
        from ..simulate import demo
    except ImportError as error:
        raise EnvironmentBroken(f"a part of the installation is missing or broken: {error}", "install again") from error
    folder = own_folder()
    runtime = RuntimeLock(folder)  # before the socket and the status: another's are not to be taken away
    file, journal = StatusFile(folder), Journal()
    control = Control(folder)
    teller = Teller(notifier, file, DeviceFace(control, journal), journal, ViewWriter(folder))
    place = None if folder is None else os.fspath(folder)
    pages = ReviewProcess(lambda settings: review.command(settings, options.config, place), journal)
    if folder is not None and not notifier.supervised:
        journal.say("leuko-edge attach shows this count in another terminal")
    flags = given(options)
    drawn = (lambda: demo.camera(1, TARGET)) if options.demo else None
    said = "stopped by a defect"
    passing = contextlib.ExitStack()
    try:
        if options.demo and not options.database:  # drawn cells are not put among the patients'
            place_of_demo = passing.enter_context(tempfile.TemporaryDirectory(prefix="leuko-edge-demo-"))
            flags["session.database"] = os.path.join(place_of_demo, "demo.sqlite3")
        Service(teller, lambda: load(options.config, flags=flags).typed(), options.video, pages.follow, drawn).run()
        said = "stopped: the film has ended"
        return 0
    except Stopped as stopped:
        said = "stopped; an open session is gone on with at the next start"
        return _code(stopped)
    except LeukoError as error:
        said = f"stopped: {error}"
        raise
    finally:
        teller.stopped(said)
        pages.close()
        control.close()
        runtime.close()
        passing.close()


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM and Ctrl-C raise `Stopped`, once; a hang-up is that of a terminal, and no reason to end a count."""

    def stop(number: int, frame: FrameType | None) -> None:
        for other in (signal.SIGTERM, signal.SIGINT):
            signal.signal(other, signal.SIG_IGN)  # a second one must not break off the clearing up
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _code(stopped: Stopped) -> int:
    number = int(stopped.args[0])
    return 0 if number == signal.SIGTERM else 128 + number
