"""HTML out of the templates beside this file, everything that is put into them escaped."""

from __future__ import annotations

import functools

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from .. import __version__


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("leuko_edge.review", "templates"), autoescape=True, undefined=StrictUndefined
    )


def page(name: str, status: int = 200, **values: object) -> HTMLResponse:
    return HTMLResponse(_environment().get_template(name).render(version=__version__, **values), status)
