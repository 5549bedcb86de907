"""A comparison as a PDF: for each class its figures, the samples with their line, and the differences with their
limits. Needs fpdf2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import NotInstalled
from ..results.pdf import FONTS
from ..results.wording import NOT_A_DEVICE
from .comparison import ClassComparison, Comparison
from .report import figures, said_of
from .sample import Sample

if TYPE_CHECKING:
    from fpdf import FPDF

WIDTH, HEIGHT, LEFT = 78.0, 48.0, 20.0  # mm of a picture, and where the first begins
Points = Sequence[tuple[float, float]]


def pdf_bytes(comparison: Comparison) -> bytes:
    """NotInstalled without fpdf2."""
    try:
        from fpdf import FPDF
    except ImportError:
        raise NotInstalled("a PDF needs fpdf2", "install leuko-edge[review]") from None
    pdf = FPDF(format="A4")
    pdf.set_title("Comparison of differentials")
    pdf.set_creator("leuko-edge")
    pdf.set_auto_page_break(False)
    if unicode := (FONTS / "DejaVuSans.ttf").is_file():
        pdf.add_font("body", "", FONTS / "DejaVuSans.ttf")
    page = _Page(pdf, unicode)
    page.line(f"Comparison of differentials, {len(comparison.pairs.pairs)} samples", 15)
    page.line(NOT_A_DEVICE, 9)
    for one in comparison.classes:
        both = [(a.percent[one.label], b.percent[one.label]) for a, b in comparison.pairs.pairs if _have(one, a, b)]
        page.block(one, both)
    page.line(f"Abnormal by any of them: {said_of(comparison.any_abnormal)}", 9)
    if comparison.observers:
        page.line(f"The reference's two observers, {len(comparison.pairs.observers)} samples, second - first", 11)
        for one in comparison.observers:
            for text, size in zip(figures(one), (9, 8, 8, 8), strict=True):
                page.line(text, size)
    return bytes(pdf.output())


def _have(one: ClassComparison, *samples: Sample) -> bool:
    return all(one.label in sample.percent for sample in samples)


class _Page:
    """The document while it is written."""

    def __init__(self, pdf: FPDF, unicode: bool) -> None:
        self._pdf, self._unicode = pdf, unicode
        pdf.add_page()

    def line(self, text: str, size: float) -> None:
        if self._pdf.get_y() > 297 - 20:
            self._pdf.add_page()
        self._pdf.set_font("body" if self._unicode else "helvetica", size=size)
        said = text if self._unicode else text.encode("latin-1", "replace").decode("latin-1")
        self._pdf.multi_cell(0, size * 0.5, said, new_x="LMARGIN", new_y="NEXT")

    def block(self, one: ClassComparison, both: Points) -> None:
        """`both`: (method, reference) of each sample."""
        pdf = self._pdf
        if pdf.get_y() > 297 - HEIGHT - 40:
            pdf.add_page()
        pdf.ln(2)
        for text, size in zip(figures(one), (11, 8, 8, 8), strict=True):
            self.line(text, size)
        top = pdf.get_y() + 1
        most = max(max(pair) for pair in both) or 1.0
        lines = [((0.0, 0.0), (most, most), True)]
        if fitted := one.passing_bablok or one.deming:
            ends = [(x, fitted.intercept + fitted.slope * x) for x in (0.0, most)]
            lines.append((ends[0], ends[1], False))
        self._plot(LEFT, top, [(b, a) for a, b in both], (0, most), (0, most), lines)
        differences = [((a + b) / 2, a - b) for a, b in both]
        reach = max([abs(value) for _, value in differences] + [1.0])
        levels = [(0.0, True)]
        if agreement := one.agreement:
            levels += [(agreement.bias, False), (agreement.lower, False), (agreement.upper, False)]
            reach = max(reach, abs(agreement.lower), abs(agreement.upper))
        flat = [((0.0, level), (most, level), dashed) for level, dashed in levels]
        self._plot(LEFT + WIDTH + 12, top, differences, (0, most), (-reach, reach), flat)
        pdf.set_y(top + HEIGHT + 4)
        self.line("left: leuko-edge by the reference; right: their difference by their mean (per cent)", 6)

    def _plot(
        self,
        left: float,
        top: float,
        points: Points,
        across: tuple[float, float],
        up: tuple[float, float],
        lines: Sequence[tuple[tuple[float, float], tuple[float, float], bool]],
    ) -> None:
        pdf = self._pdf

        def place(point: tuple[float, float]) -> tuple[float, float]:
            x, y = ((v - low) / (high - low) for v, (low, high) in zip(point, (across, up), strict=True))
            return left + WIDTH * x, top + HEIGHT * (1 - y)

        pdf.set_font("helvetica", size=6)
        pdf.text(left - 8, top + 2, f"{up[1]:.1f}")
        pdf.text(left - 8, top + HEIGHT, f"{up[0]:.1f}")
        pdf.text(left + WIDTH - 6, top + HEIGHT + 3, f"{across[1]:.1f}")
        pdf.rect(left, top, WIDTH, HEIGHT)
        with pdf.rect_clip(left, top, WIDTH, HEIGHT):
            for point in points:
                x, y = place(point)
                pdf.ellipse(x - 0.6, y - 0.6, 1.2, 1.2)
            for begin, end, dashed in lines:
                pdf.set_dash_pattern(dash=1 if dashed else 0, gap=1 if dashed else 0)
                pdf.line(*place(begin), *place(end))
        pdf.set_dash_pattern()
