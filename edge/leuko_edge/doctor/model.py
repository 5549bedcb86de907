"""The model: is it whole, what vouches for it, and does it name a drawn cell here as it should?"""

from __future__ import annotations

import os
import time

from ..errors import LeukoError
from ..model import certificate
from ..model.card import ModelCard, load_verified, shipped_model
from .finding import Finding, bad, good, told

PROBE, PROBES = "lymphocyte", 4  # drawn and named as a test: one round nucleus, the plainest of the cells
PROBE_SEED = 1


def check_model(path: str | None, trusted: str | None = None) -> list[Finding]:
    """Model, card and SHA-256, and its signature where keys are `trusted`; its certificate; and some cells classified.
    `path` None: the shipped one."""
    try:
        card, content = load_verified(
            path, certified=False, trusted=trusted
        )  # what its certificate lacks is a finding of its own
    except LeukoError as error:
        return [told("model", error)]
    found = f"{card.name}, {len(content) / 1e6:.1f} MB, SHA-256 {card.sha256[:12]}… as its card says"
    return [good("model", f"{found}; from {path or shipped_model()}"), _certificate(card), _run(card, content)]


def _certificate(card: ModelCard) -> Finding:
    if problem := certificate.problem(card.certificate, card.sha256, card.classes):
        advice = "take the shipped model, or make a certificate with leuko-check --certify"
        return bad("certificate", f"{problem}: nobody knows what quantisation did to this model", advice)
    agreement, shift = card.certificate["agreement"], card.certificate["largest_shift"]
    share = f"{100 * agreement['agreed'] / agreement['cells']:.2f} % of {agreement['cells']} cells named alike"
    return good("certificate", f"{share} by float and quantized model, largest shift {shift['points']:+.2f} points")


def _run(card: ModelCard, content: bytes) -> Finding:
    """Drawn cells through the whole of cropping and network, by the runtime that counting would take."""
    import numpy as np

    from ..model import litert
    from ..model.classify import Classifier
    from ..simulate import draw_field
    from ..vision.crop import cut
    from ..vision.field import Field

    drawn = draw_field(np.random.default_rng(PROBE_SEED), width=640, height=480, cells=[PROBE] * PROBES)
    seen = Field.from_bgr(drawn.bgr, drawn.um_per_px)
    crops = cut(seen, [cell.centre for cell in drawn.truth], card.window_um, card.input_size)
    try:
        with Classifier(card, content) as classifier:
            classifier.classify(crops)  # the first run packs the weights
            began = time.perf_counter()
            named = [prediction.label for prediction in classifier.classify(crops)]
            milliseconds = 1000 * (time.perf_counter() - began) / PROBES
    except LeukoError as error:
        return told("model runs", error)
    words = f"{named.count(PROBE)} of {PROBES} drawn {PROBE}s are named so, {milliseconds:.1f} ms a cell"
    words += f" with {litert.default_threads()} of {os.cpu_count()} cores"
    if named.count(PROBE) <= PROBES / 2:
        advice = "the network works otherwise here than where it was made: install ai-edge-litert again"
        return bad("model runs", words, advice)
    return good("model runs", words)
