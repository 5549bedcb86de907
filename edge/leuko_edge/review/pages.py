"""What is looked at: the list of sessions, one session, its pictures and its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..results.fhir import fhir_text
from ..results.hl7 import message
from ..results.session_report import csv_text, json_text
from ..screen.keys import CLASS_KEYS
from ..store.archive import Archive, Summary
from . import pictures
from .access import Access
from .live import Live
from .state import ASKING, EVENTS, state
from .templates import page

KEPT = {"Cache-Control": "private, max-age=86400"}
FILES = (
    ("report.pdf", "PDF report"),
    ("report.json", "JSON"),
    ("report.csv", "cells as CSV"),
    ("report.fhir.json", "FHIR"),
    ("report.hl7", "HL7"),
)
COUNTING, AWAITING = "counting now", "signed, waits for a second signature"
STATES = {"open": "counting, or to resume", "closed": "to review", "signed": "signed"}


class Pages:
    """Each method answers one address, on the database at `path`; `live` tells what is being counted, `pdf` makes the
    report of a session of a database, `site` is the laboratory that named cells may teach ("": none yet), by the page
    itself where `teaches`."""

    def __init__(
        self, path: str, access: Access, live: Live, pdf: Callable[[str, int], bytes], site: str, teaches: bool
    ) -> None:
        self._path, self._access, self._live, self._pdf = path, access, live, pdf
        self._site, self._teaches = site, teaches

    def all(self) -> Mapping[str, Callable[[Request], Response]]:
        """By address."""
        one = "/sessions/{session:int}"
        return {
            "/": self.sessions,
            one: self.session,
            f"{one}/state": self.state,
            f"{one}/cells/{{cell:int}}.png": self.cell,
            f"{one}/pictures/{{picture:int}}.jpg": self.picture,
            f"{one}/outlines/{{area:int}}": self.outlines,
            f"{one}/report.json": self.json,
            f"{one}/report.csv": self.csv,
            f"{one}/report.pdf": self.pdf,
            f"{one}/report.fhir.json": self.fhir,
            f"{one}/report.hl7": self.hl7,
            "/reference/{label}": self.reference,
            "/live": self._live.show,
            "/live.jpg": self._live.picture,
        }

    def sessions(self, request: Request) -> Response:
        """The list; `q` is looked for in samples, `state` is one of STATES, `rows` asks for the table's rows alone."""
        q, wanted = request.query_params.get("q", "").strip(), request.query_params.get("state", "")
        with Archive(self._path) as archive:
            found = [one for one in reversed(archive.sessions()) if _fits(one, q, wanted)]
            told = dict.fromkeys(archive.awaiting_second(), AWAITING)
        now = self._live.session()
        rows = [
            {
                "one": one,
                "began": _local(one.started_at),
                "state": COUNTING if one.id == now else told.get(one.id, STATES[one.state]),
            }
            for one in found
        ]
        if "rows" in request.query_params:
            return page("rows.html", rows=rows)
        return page("sessions.html", rows=rows, q=q, wanted=wanted, states=STATES, **self._frame(request))

    def session(self, request: Request) -> Response:
        found = self._state(request)
        keys = {label: key for key, label in CLASS_KEYS.items()}
        person = self._access.person(request)
        frame = {
            "keys": keys,
            "asking": ASKING,
            "may_change": bool(person and person.may("technologist")),
            "may_amend": bool(person and person.may("supervisor")),
            "may_teach": self._teaches and bool(person and person.may("supervisor")),
            "site": self._site,
        }
        data = _embedded({**found, **frame})
        return page("session.html", found=found, data=data, keys=keys, files=FILES, **self._frame(request))

    def state(self, request: Request) -> Response:
        """204 where the revision that the page has is the newest."""
        with Archive(self._path) as archive:
            revision = archive.revision(request.path_params["session"])
            if request.query_params.get("since") == revision:
                return Response(status_code=204)
            return JSONResponse(
                state(archive.record(request.path_params["session"], EVENTS), revision, self._site, self._path)
            )

    def cell(self, request: Request) -> Response:
        with Archive(self._path) as archive:
            png = archive.png(request.path_params["session"], request.path_params["cell"])
        return Response(png, media_type="image/png", headers=KEPT) if png else Response(status_code=404)

    def picture(self, request: Request) -> Response:
        with Archive(self._path) as archive:
            jpeg = archive.view(request.path_params["session"], request.path_params["picture"])
        return Response(jpeg, media_type="image/jpeg", headers=KEPT) if jpeg else Response(status_code=404)

    def outlines(self, request: Request) -> Response:
        with Archive(self._path) as archive:
            record = archive.record(request.path_params["session"], 0)
            return JSONResponse(pictures.outlines(archive, record, request.path_params["area"]))

    def json(self, request: Request) -> Response:
        with Archive(self._path) as archive:
            text = json_text(archive.record(request.path_params["session"]))
        return _file(text, "application/json", request, "json")

    def csv(self, request: Request) -> Response:
        with Archive(self._path) as archive:
            text = csv_text(archive.record(request.path_params["session"]))
        return _file(text, "text/csv", request, "csv")

    def pdf(self, request: Request) -> Response:
        return _file(self._pdf(self._path, request.path_params["session"]), "application/pdf", request, "pdf")

    def fhir(self, request: Request) -> Response:
        with Archive(self._path) as archive:
            text = fhir_text(archive.record(request.path_params["session"]))
        return _file(text, "application/fhir+json", request, "fhir.json")

    def hl7(self, request: Request) -> Response:
        with Archive(self._path) as archive:
            text = message(archive.record(request.path_params["session"]))
        return _file(text.encode(), "x-application/hl7-v2+er7", request, "hl7")

    def reference(self, request: Request) -> Response:
        """Cells of a class from the site's signed sessions, those that a person named first."""
        with Archive(self._path) as archive:
            return JSONResponse(archive.reference(request.path_params["label"], 6))

    def _state(self, request: Request) -> dict[str, Any]:
        session = request.path_params["session"]
        with Archive(self._path) as archive:
            revision = archive.revision(session)
            return state(archive.record(session, EVENTS), revision, self._site, self._path)

    def _frame(self, request: Request) -> dict[str, Any]:
        """What every page says: who is there, and the token that its changes carry."""
        person = self._access.person(request)
        return {
            "who": person.name if person else "",
            "named": self._access.named(request),
            "local": self._access.local,
            "token": self._access.token(request),
        }


def _fits(one: Summary, q: str, wanted: str) -> bool:
    return q.casefold() in one.info.sample.casefold() and (not wanted or one.state == wanted)


def _local(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")


def _embedded(value: Mapping[str, Any]) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _file(content: str | bytes, kind: str, request: Request, suffix: str) -> Response:
    name = f"session-{request.path_params['session']}.{suffix}"
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
