"""Makes the tiny models beside it, certified: python tests/assets/make_tiny.py   (needs the extra [train])

The network takes each channel's brightest value c and gives softmax(-|c - colour of the class|² / 4000), which is a
dense layer, so that tests know what it will say. It goes through the project's own converter, as the shipped one.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from leuko_convert.quiet import quiet

with quiet():
    import keras
    import numpy as np

    from leuko_convert import quantize
from tiny import COLOURS, FAR, FAR_FLOAT, NEAR, TINY, TINY_FLOAT, crops_of

from leuko_convert.agreement import compare
from leuko_convert.certify import Measured, certify, result
from leuko_convert.labelled import Labelled
from leuko_edge.files import write_whole
from leuko_edge.model.card import ModelCard, load_verified
from leuko_edge.model.classify import Classifier
from leuko_edge.types import CLASSES, LEUKOCYTES
from leuko_train.calibration.novelty import Doubt

SOFTNESS = 4000.0  # grey values squared


def network() -> keras.Model:
    inputs = keras.Input((64, 64, 3))
    brightest = keras.layers.GlobalMaxPooling2D()(keras.layers.Conv2D(3, 1, activation="relu")(inputs))
    model = keras.Model(
        inputs, keras.layers.Dense(len(CLASSES), activation="softmax")(brightest), name="nearest-colour"
    )
    colours = np.array([COLOURS[label] for label in CLASSES], np.float32)
    same = np.eye(3, dtype=np.float32)[None, None]
    model.set_weights([same, np.zeros(3), 2 * colours.T / SOFTNESS, -(colours**2).sum(axis=1) / SOFTNESS])
    return model


def colour_distance() -> Doubt:
    """The features are the brightest colour itself."""
    centres = np.array([COLOURS[label] for label in CLASSES]) / NEAR
    return Doubt(np.eye(3) / NEAR, np.zeros(3), centres)


def main() -> None:
    make(TINY, TINY_FLOAT, None)
    make(FAR, FAR_FLOAT, colour_distance())


def make(quantized: Path, floating: Path, doubt: Doubt | None) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (100, 1, 1, 3))
    crops = np.broadcast_to(colours, (100, 64, 64, 3)).astype(np.uint8)
    with quiet():
        made = quantize.convert(network(), crops, doubt=doubt)
    for path, content, how in ((quantized, made.int8, quantize.INT8), (floating, made.float16, quantize.FLOAT16)):
        card = ModelCard(
            name=path.stem,
            file=path.name,
            sha256=hashlib.sha256(content).hexdigest(),
            classes=CLASSES,
            leukocytes=LEUKOCYTES,
            input_size=64,
            window_um=24.0,
            um_per_px=0.375,
            confidence_threshold=0.6,
            temperature=1.0,
            centres=() if doubt is None else tuple(tuple(map(float, row)) for row in doubt.centres),
            distance_threshold=None if doubt is None else 3.0,
            network="nearest colour, for tests",
            quantization=how,
            training={"made by": "tests/assets/make_tiny.py"},
            licences={"model": "Apache-2.0"},
        )
        write_whole(path, content)
        card.save(path.with_suffix(".json"))
    certify_both(quantized, floating)


def certify_both(quantized: Path, floating: Path) -> None:
    """On a crop of each class's colour."""
    crops = crops_of(*CLASSES)
    names = tuple(f"{label}.png" for label in CLASSES)
    hashed = hashlib.sha256(crops.tobytes()).hexdigest()
    data = Labelled(crops, np.arange(len(CLASSES)), names, np.array(names), hashed, "colours of tests/tiny.py")
    cards, predictions = {}, []
    for path in (floating, quantized):
        card, content = load_verified(path, certified=False)
        cards[path.with_suffix(".json")] = card
        predictions.append(Classifier(card, content, threads=1).classify(crops))
    found = compare(CLASSES, data.labels, *predictions, data.sources)
    measured = [Measured(card, 0.0, 0.0) for card in cards.values()]  # size and time stay out of a certificate
    certify(cards, result(found, data, *measured, "tests/assets/make_tiny.py", 1))


if __name__ == "__main__":
    main()
