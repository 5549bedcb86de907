"""What the codes of quality control say to a person, and what to do: the one place for it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..results.wording import class_name
from ..vision.signs import Sign
from .baseline import FEWEST
from .drift import Drift
from .finding import Code, Finding
from .standing import Standing
from .watched import AGREED, FOUND, UNIDENTIFIED


class Said(NamedTuple):
    what: str
    cure: str


SAID: Mapping[Code, Said] = MappingProxyType(
    {
        Code.DARK: Said("the light is dimmer", "turn up the lamp, open the diaphragm; is an old lamp or filter in it?"),
        Code.BRIGHT: Said("the light is brighter", "turn down the lamp or the exposure, close the diaphragm a little"),
        Code.UNEVEN: Said(
            "the light is more uneven", "centre the condenser (Köhler), clean lamp, condenser and camera"
        ),
        Code.BACKGROUND_BLUER: Said(
            "the background is bluer", "new stain lot, lamp or blue filter, condenser? set the white balance again"
        ),
        Code.BACKGROUND_YELLOWER: Said(
            "the background is yellower", "lamp turned down or old, filter out, oil or plasma on the slide?"
        ),
        Code.BACKGROUND_REDDER: Said("the background is redder", "set the white balance again; new stain lot, lamp?"),
        Code.BACKGROUND_GREENER: Said(
            "the background is greener", "set the white balance again; new lamp, filter or condenser?"
        ),
        Code.BLURRED: Said("the picture is less sharp", "focus, clean the objective, put on fresh oil"),
        Code.CELLS_SMALLER: Said(
            "the cells look smaller", "is it the usual objective and adapter? measure the scale, or set count.um_per_px"
        ),
        Code.CELLS_LARGER: Said(
            "the cells look larger", "is it the usual objective and adapter? measure the scale, or set count.um_per_px"
        ),
        Code.RED_CELLS_PALER: Said("the red cells are paler", "stain lot, staining time, water; is the smear fresh?"),
        Code.RED_CELLS_DARKER: Said("the red cells are darker", "stain lot, staining time; is the smear too thick?"),
        Code.RED_CELLS_GREYER: Said("the red cells are greyer", "the buffer may be too alkaline, or rinsed too little"),
        Code.RED_CELLS_ORANGER: Said("the red cells are more orange", "the buffer may be too acid"),
        Code.NUCLEI_PALER: Said("the nuclei are paler", "stain lot, staining time; a control slide fades with its age"),
        Code.NUCLEI_DARKER: Said("the nuclei are darker", "stain lot, staining time, rinsing"),
        Code.NUCLEI_BLUER: Said("the nuclei are bluer", "stain lot; the buffer may be too alkaline"),
        Code.NUCLEI_REDDER: Said("the nuclei are redder", "stain lot; the buffer may be too acid"),
        Code.MORE_UNIDENTIFIED: Said(
            "more white cells are unidentified", "look at focus, light and stain; is it another model or site?"
        ),
        Code.CELLS_MISSED: Said(
            "known cells are not found again", "look at focus, light and scale; is it the control?"
        ),
        Code.CELLS_RENAMED: Said(
            "known cells are called otherwise", "look at focus and stain; is it another model or site?"
        ),
        Code.OTHER_DIFFERENTIAL: Said("the share is not the known one", "is it the right slide? then focus and stain"),
        Code.TOO_FEW_CELLS: Said("too few white cells were seen", "show more of the slide, or name more photographs"),
        Code.PICTURES_LOST: Said("pictures could not be counted", "see what is said of them; is the folder complete?"),
    }
)

NAMES: Mapping[str, str] = MappingProxyType(
    {
        Sign.LIGHT: "light",
        Sign.UNEVEN: "unevenness of light",
        Sign.BACKGROUND_BLUE: "background, blue",
        Sign.BACKGROUND_RED: "background, red",
        Sign.FOCUS: "sharpness",
        Sign.SCALE: "µm per px",
        Sign.RED_CELL_DENSITY: "red cells, density",
        Sign.RED_CELL_BLUE: "red cells, colour",
        Sign.NUCLEUS_DENSITY: "nuclei, density",
        Sign.NUCLEUS_RED: "nuclei, colour",
        UNIDENTIFIED: "unidentified",
        FOUND: "known cells found",
        AGREED: "known cells named alike",
    }
)

_STANDING = {
    Standing.NEVER: "no control was tested here",
    Standing.FAILED: "the last test of the control failed",
    Standing.OLD: "the last test of the control is older than {hours:g} hours",
    Standing.OTHER_MODEL: "the last test of the control was of another model",
}
NOT_YET = f"{FEWEST} tests that passed are needed before anything is usual"
TEST_FIRST = "test it: leuko-edge qc"


def finding(one: Finding) -> str:
    """What is wrong, with its figures."""
    said = SAID[one.code].what
    if one.code == Code.OTHER_DIFFERENTIAL:
        said = f"{class_name(one.sign)}: {said}"
        return f"{said} ({one.value:.1f} % for {one.expected:.1f} %)"
    rules = f"; Westgard {', '.join(one.rules)}" if one.rules else ""
    return f"{said} ({number(one.sign, one.value)} for {number(one.sign, one.expected)}{rules})"


def short(kept: Mapping[str, Any]) -> str:
    """Of a finding as it was kept, by whatever version."""
    code = str(kept.get("code", ""))
    return SAID[Code(code)].what if code in set(Code) else code


def cure(one: Finding) -> str:
    return SAID[one.code].cure


def drifted(found: Drift) -> list[str]:
    """For each sign of a session that has left its usual band: what it is, and what to look at."""
    return [
        f"{SAID[one.code].what} than on the last {found.before} slides "
        f"({number(one.sign, one.value)} for {number(one.sign, one.expected)}): {SAID[one.code].cure}"
        for one in found.findings
    ]


def number(sign: str, value: float) -> str:
    """A sign's value as people read it."""
    if sign in (UNIDENTIFIED, FOUND, AGREED, Sign.UNEVEN):
        return f"{100 * value:.1f} %"
    if sign in (Sign.LIGHT, "cells", "pictures"):
        return f"{value:.0f}"
    return f"{value:.4f}" if sign == Sign.SCALE else f"{value:.3f}"


def standing(found: Standing, hours: float) -> str:
    """Why today's test is wanted; "" where it has passed."""
    return _STANDING[found].format(hours=hours) if found in _STANDING else ""
