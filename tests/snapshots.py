"""A live count's snapshot for the tests of the displays."""

from leuko_edge.live.snapshot import Snapshot
from leuko_edge.session import Accounts, Focus, Light, Motion, Shown
from leuko_edge.tally import Differential

COUNTS = {
    "neutrophil": 52,
    "lymphocyte": 26,
    "monocyte": 5,
    "eosinophil": 3,
    "immature_granulocyte": 1,
    "erythroblast": 2,
    "unidentified": 3,
    "platelet": 9,
    "artefact": 4,
}


def snapshot(counts=COUNTS, **changes) -> Snapshot:
    told = {
        "session": 12,
        "sample": "S-117",
        "operator": "MK",
        "source": "usb-camera",
        "simulated": False,
        "differential": Differential.from_counts(counts),
        "target": 200,
        "precision": None,
        "widest": 21.4,
        "accounts": Accounts(1010, {"moving": 102, "defocused": 40, "empty": 0, "lost": 18}, 34),
        "frames_per_second": 15.2,
        "advice": None,
        "light": Light.GOOD,
        "focus": Focus.SHARP,
        "motion": Motion.STILL,
        "in_view": 3,
        "waiting": 1,
        "um_per_px": 0.1043,
        "areas": 2,
        "last": (
            Shown(87, "neutrophil", 0.983, "model"),
            Shown(86, "immature_granulocyte", 0.914, "model"),
            Shown(85, "monocyte", 0.6, "MK"),
            Shown(84, "neutrophil", 0.999, "model"),
        ),
        "paused": False,
        "slide_awaited": False,
        "done": None,
        "warning": "",
        "elapsed": 751.0,
    }
    return Snapshot(**{**told, **changes})
