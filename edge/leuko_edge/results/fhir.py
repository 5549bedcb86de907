"""A session as FHIR R4: a Bundle of a DiagnosticReport with an Observation for each class, its Specimen and Device.

Plain dictionaries, so that the device needs no FHIR library; the tests hold them against `fhir.resources`. Status is
preliminary until it is signed, then final, and amended from the second signed version on.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from ..plain_text import readable
from ..store.archive import Record
from .codes import LOCAL, LOINC, Code
from .handed_over import METHOD, Measurement, measurements, version
from .session_report import utc
from .wording import NOT_A_DEVICE, SIMULATED

UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_FLAGS = {"low": ("L", "Low"), "high": ("H", "High"), "normal": ("N", "Normal")}
_UNSURE = ("IND", "Indeterminate")  # the estimate lies outside the range, its interval does not
_NAMESPACE = uuid.UUID("0c5a2f0e-6f55-4a2c-9a57-6c65756b6f21")


def fhir_text(record: Record) -> str:
    """The Bundle as JSON; UsageError while the session is being amended."""
    return json.dumps(bundle(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def bundle(record: Record) -> dict[str, Any]:
    number = version(record)
    status = "preliminary" if not number else "final" if number == 1 else "amended"
    info, summary = record.info, record.summary
    about = f"{summary.id} {summary.started_at} {info.model_sha256}"

    def name(part: str) -> str:
        """The same for the same session, whenever it is exported."""
        return f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'{about} {part}')}"

    issued = utc(record.signed_at) if number else utc(summary.ended_at or summary.started_at)
    common: dict[str, Any] = {"status": status, "effectiveDateTime": utc(summary.started_at), "issued": issued}
    if info.sample:
        common["specimen"] = {"reference": name("specimen")}
    if number:
        common["performer"] = [{"display": readable(who)} for who in record.signers]
    found = measurements(record.differential())
    report = {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": "urn:leuko-edge:session", "value": str(summary.id)}],
        "category": [_concept("http://terminology.hl7.org/CodeSystem/v2-0074", "HM", "Hematology")],
        "code": {"text": "White blood cell differential, manual count"},
        "result": [{"reference": name(one.label)} for one in found],
        "conclusion": _conclusion(record),
        **{key: value for key, value in common.items() if key != "specimen"},
    }
    if info.sample:
        report["specimen"] = [common["specimen"]]
    device = {
        "resourceType": "Device",
        "deviceName": [{"name": info.program or "leuko-edge", "type": "model-name"}],
        "version": [{"value": f"{info.model_name} {info.model_sha256[:12]}"}],
        "note": [{"text": NOT_A_DEVICE}],
    }
    entries = [(name("report"), report), (name("device"), device)]
    if info.sample:
        specimen = {"resourceType": "Specimen", "identifier": [{"value": readable(info.sample)}]}
        entries.append((name("specimen"), specimen))
    for one in found:
        entries.append((name(one.label), {**_observation(one), **common, "device": {"reference": name("device")}}))
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": issued,
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries],
    }


def _observation(one: Measurement) -> dict[str, Any]:
    observation: dict[str, Any] = {
        "resourceType": "Observation",
        "category": [
            _concept("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "Laboratory")
        ],
        "code": coded(one.code),
        "method": {"text": METHOD},
        "note": [{"text": one.remark}],
    }
    if one.value is None:
        reason = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
        observation["dataAbsentReason"] = _concept(reason, "not-performed", "Not Performed")
    else:
        observation["valueQuantity"] = _quantity(one.value, one.unit)
    if one.reference is not None:
        low, high = (_quantity(limit, one.unit) for limit in one.reference)
        observation["referenceRange"] = [{"low": low, "high": high}]
    if one.reference is not None and one.value is not None:
        observation["interpretation"] = [_concept(INTERPRETATION, *_FLAGS.get(one.flag or "", _UNSURE))]
    return observation


def coded(code: Code) -> dict[str, Any]:
    return _concept(LOCAL if code.local else LOINC, code.code, code.name) | {"text": code.name}


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def _quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def _conclusion(record: Record) -> str:
    words = [f"{record.differential().counted} leukocytes counted."]
    if record.info.simulated:
        words.append(SIMULATED)
    if len(record.signatures) > 1:
        words.append(f"Amended: {record.signatures[-1].reason}.")
    if record.info.notes:
        words.append(readable(record.info.notes))
    return " ".join([*words, NOT_A_DEVICE])
