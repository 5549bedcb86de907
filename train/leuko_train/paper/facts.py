"""What the seed paper prints (Hadiyoso & Aulia 2023, ELKOMIKA 11(1) 195–206), and the study that it compares with."""

from __future__ import annotations

from typing import NamedTuple


class Setting(NamedTuple):
    """A row of its Table 3, as shares: accuracy and loss (per cent in the paper) in training and in testing."""

    batch: int
    epochs: int
    accuracy: float
    val_accuracy: float
    loss: float
    val_loss: float


TABLE3 = tuple(
    Setting(batch, epochs, *(value / 100 for value in values))
    for batch, epochs, *values in (
        (30, 1, 98.99, 76.91, 2.74, 23.54),
        (30, 2, 96.38, 98.39, 10.58, 4.46),
        (30, 3, 99.20, 98.59, 2.64, 5.11),
        (30, 4, 97.59, 98.59, 7.55, 2.04),
        (30, 5, 97.85, 98.60, 7.87, 2.68),
        (60, 1, 97.18, 91.77, 7.82, 31.52),
        (60, 2, 97.29, 99.00, 7.73, 3.31),
        (60, 3, 98.44, 98.80, 6.29, 5.08),
        (60, 4, 97.84, 99.80, 7.96, 1.23),
        (60, 5, 99.90, 100.0, 0.54, 0.49),
    )
)
PRINTED_AVERAGE = Setting(0, 0, 0.9807, 0.9615, 0.0617, 0.0795)
"""The last row of its Table 3; its ten testing accuracies average 96.05 %."""

TABLE2 = {"EOSINOPHIL": (499, 125), "LYMPHOCYTE": (496, 124), "MONOCYTE": (496, 124), "NEUTROPHIL": (498, 125)}
"""Training and testing pictures of each class."""
TEXT_COUNTS = (1991, 496)
"""The same in its text."""
FIG6 = {"precision": 0.995, "recall": 1.0, "F1": 1.0}
"""Averages over the classes, from the text."""
FIG7 = (495, 496)
"""Right answers in its confusion matrix: one eosinophil is taken for a neutrophil."""

PREVIOUS = ("Abou El-Seoud, Siala & McKee 2020, a plain CNN", 0.9678, 125)
"""iJOE 16(15) 94–105, doi 10.3991/ijoe.v16i15.15481: accuracy, and testing pictures."""

DISCREPANCIES = (
    "Table 2's columns add up to 1,989 and 498; the text says 1,991 and 496.",
    "The ten testing accuracies of Table 3 average 96.05 %; it prints 96.15.",
    "Fig. 7 has one error in 496 (99.8 %); Table 3 and the abstract say 100 %.",
    "Fig. 6's averages, precision 99.5 and recall 100 %, are not those of Fig. 7, which are 99.8 and 99.8.",
    "98.99 % in training after the first epoch, and 97.18 after the first with batch 60, is more than one epoch of "
    "fine-tuning gives here; and ten settings that go on with one another (--kind continued) do not fall in between.",
    "The abstract says VGG-19 once; keywords, text and figures say VGG-16. Dropout, learning rate, preprocessing and "
    "loss are not given.",
)
