"""A session as HL7 v2.3.1 ORU^R01, as open LIS expect of a manual count: one message a sample, an OBX for each class.

OBR-4 is 00002^Manual Count^99MRC; OBX-3 code^name^LN, or ^99LEU where no LOINC code is known; OBX-11 P until it is
signed, F then, C from the second signed version on. MSH-11 is P, of a simulated slide T. MSH-10 is the same for the
same version of a session, so that the other side can tell a message sent twice.
"""

from __future__ import annotations

from datetime import datetime

from ..plain_text import readable
from ..store.archive import Record
from ..tally import Differential, reviews, sentence
from .handed_over import Measurement, measurements, version
from .wording import NOT_A_DEVICE, SIMULATED

_ESCAPES = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\r": " ", "\n": " "}
_FLAGS = {"low": "L", "high": "H", "normal": "N"}  # an estimate alone outside the range is told in the remark


def message(record: Record, warn_share: float = 1.0) -> str:
    """Segments ended by carriage returns; UsageError while the session is being amended.

    `warn_share` as of the model's card: the share of unidentified cells above which a remark says so.
    """
    number = version(record)
    status = "P" if not number else "F" if number == 1 else "C"
    info, summary, differential = record.info, record.summary, record.differential()
    at = summary.ended_at or summary.started_at
    began, result = _time(summary.started_at), _time(record.signed_at if number else at)
    segments = [
        f"MSH|^~\\&|leuko-edge||||{result}||ORU^R01|{control_id(record)}|{'T' if info.simulated else 'P'}|2.3.1"
        "||||||UNICODE UTF-8",
        "PID|1",
        f"OBR|1||{_text(info.sample)}|00002^Manual Count^99MRC|||{began}|||{_text(info.operator)}||||||||||||"
        f"{result}||HM|{status}|||||||{_text(record.signed_by or '') if number else ''}",
    ]
    for row, one in enumerate(measurements(differential), start=1):
        segments += [_obx(row, one, status, result), f"NTE|1|L|{_text(one.remark)}"]
    for row, words in enumerate(_remarks(record, differential, warn_share), start=1):
        segments.append(f"NTE|{row}|L|{_text(words)}")
    return "".join(f"{segment}\r" for segment in segments)


def control_id(record: Record) -> str:
    """MSH-10, at most 20 characters."""
    return f"LE{record.summary.id}-{version(record)}-{int(record.summary.started_at) % 10**8}"[:20]


def _obx(row: int, one: Measurement, status: str, at: str) -> str:
    system = "99LEU" if one.code.local else "LN"
    value = "" if one.value is None else f"{one.value:.1f}"
    limits = "" if one.reference is None else f"{one.reference[0]:g}-{one.reference[1]:g}"
    flag = _FLAGS.get(one.flag or "", "")
    kind = "NM" if value else ""
    state = status if value else "X"  # no result can be had of no cells
    code = f"{one.code.code}^{_text(one.code.name)}^{system}"
    return f"OBX|{row}|{kind}|{code}||{value}|{one.unit}|{limits}|{flag}|||{state}|||{at}"


def _remarks(record: Record, differential: Differential, warn_share: float) -> list[str]:
    words = [sentence(one) for one in reviews(differential, record.info.thresholds.get("warn_share", warn_share))]
    if record.info.simulated:
        words.append(SIMULATED)
    if len(record.signers) > 1:
        words.append(f"Second signature: {record.signers[1]}")
    if len(record.signatures) > 1:
        words.append(f"Amended: {record.signatures[-1].reason}")
    return [*words, NOT_A_DEVICE]


def _text(words: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in readable(words))


def _time(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at).astimezone().strftime("%Y%m%d%H%M%S%z")
