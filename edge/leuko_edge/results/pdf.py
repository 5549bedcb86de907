"""A session as a PDF: one page for the doctor, then pictures of cells of each class. Needs fpdf2."""

from __future__ import annotations

import io
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError, NotInstalled
from ..plain_text import readable
from ..store.archive import Archive, Record
from ..tally import WARN_SHARE, Differential, Share, reviews, sentence
from .wording import NOT_A_DEVICE, SIMULATED

if TYPE_CHECKING:
    from fpdf import FPDF

FONTS = Path("/usr/share/fonts/truetype/dejavu")  # Debian's fonts-dejavu-core; without it, letters of Latin-1 alone
TILE, COLUMNS, ROWS = 20.0, 8, 2  # mm along a cell's side; of each class that many
COLUMN = (46.0, 14.0, 16.0, 30.0, 24.0, 18.0)  # mm: class, count, per cent, interval, reference, flag
BAR = 38.0  # mm that stand for 100 %
STATES = {"open": "NOT FINISHED – not signed", "closed": "PRELIMINARY – not signed", "signed": "Signed"}


def pdf_of(path: str, session: int) -> bytes:
    """Of a session of the database at `path`; as `pdf_bytes`, UsageError where there is no such session."""
    with Archive(path) as archive:
        return pdf_bytes(archive, archive.record(session))


def pdf_bytes(archive: Archive, record: Record) -> bytes:
    """NotInstalled without fpdf2."""
    try:
        from fpdf import FPDF
    except ImportError:
        raise NotInstalled("a PDF needs fpdf2", "install leuko-edge[review]") from None
    page = _Page(FPDF(format="A4"))
    differential = record.differential()
    page.head(record)
    page.differential(differential)
    page.beside(record, differential)
    page.about(record)
    page.cells(archive, record)
    return bytes(page.pdf.output())


class _Page:
    """The document while it is written."""

    def __init__(self, pdf: FPDF) -> None:
        self.pdf = pdf
        pdf.set_creator("leuko-edge")
        pdf.set_title("White-cell differential")
        pdf.set_auto_page_break(True, 16)
        self._unicode = all((FONTS / name).is_file() for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"))
        if self._unicode:
            pdf.add_font("body", "", FONTS / "DejaVuSans.ttf")
            pdf.add_font("body", "B", FONTS / "DejaVuSans-Bold.ttf")
        pdf.add_page()

    def head(self, record: Record) -> None:
        info, summary = record.info, record.summary
        self._line("White-cell differential", 17, bold=True, height=9)
        if info.simulated:
            self._line(SIMULATED, 10, bold=True)
        self._line(self._standing(record), 11, bold=True, height=7)
        for one in record.signatures[1:]:
            self._line(f"Version {one.version} amends version {one.version - 1}: {readable(one.reason)}", 9)
        for name, value in (
            ("Sample", readable(info.sample) or "not named"),
            ("Counted", f"{_time(summary.started_at)} by {readable(info.operator) or 'nobody named'}"),
            ("Session", f"{summary.id}, {info.kind}, {readable(info.source)}"),
            ("Remarks", readable(info.notes) or "–"),
        ):
            self._line(f"{name}: {value}", 10)
        self.pdf.ln(3)

    @staticmethod
    def _standing(record: Record) -> str:
        if record.amendment is not None:
            return f"BEING AMENDED – not valid until signed again ({readable(record.amendment)})"
        if record.summary.state != "signed":
            return STATES[record.summary.state]
        by = readable(record.signed_by or "") or "nobody named"
        said = f"Signed by {by}, {_time(record.signed_at)}, version {len(record.signatures)}"
        if record.awaits_second:
            return f"PRELIMINARY – {said}; waits for the second signature"
        second = record.signatures[-1] if record.signatures else None
        if second is None or second.second_by is None:
            return said
        return f"{said}; second signature by {readable(second.second_by)}, {_time(second.second_at)}"

    def differential(self, differential: Differential) -> None:
        self._line(f"{differential.counted} white cells counted", 11, bold=True, height=7)
        self._row(("class", "count", "%", "95 % interval", "reference %", "flag"), bold=True)
        for share in differential.present:
            y = self.pdf.get_y()
            self._row(_cells(share))
            self._bar(share, y)
        self._line("bars: 0 to 100 %; grey the reference range, line the exact 95 % interval, mark the estimate", 7)
        self.pdf.ln(2)

    def _bar(self, share: Share, y: float) -> None:
        pdf, left = self.pdf, self.pdf.l_margin + sum(COLUMN) + 2
        if share.reference is not None:
            low, high = share.reference
            pdf.set_fill_color(215, 215, 215)
            pdf.rect(left + low * BAR / 100, y + 1, (high - low) * BAR / 100, 4, "F")
        pdf.set_draw_color(120, 120, 120)
        pdf.line(left, y + 5.5, left + BAR, y + 5.5)
        if share.percent is not None:
            pdf.set_draw_color(60, 40, 120)
            pdf.line(left + share.ci95[0] * BAR / 100, y + 3, left + share.ci95[1] * BAR / 100, y + 3)
            pdf.set_fill_color(60, 40, 120)
            pdf.rect(left + share.percent * BAR / 100 - 0.5, y + 1.5, 1, 3, "F")

    def beside(self, record: Record, differential: Differential) -> None:
        nrbc = differential.nrbc_per_100_wbc
        per_100 = "–" if nrbc is None else f"{nrbc:.1f} per 100 white cells"
        self._line(f"Nucleated red cells: {differential.erythroblasts} ({per_100})", 10)
        excluded = ", ".join(f"{label} {count}" for label, count in differential.excluded.items())
        self._line(f"Unidentified: {differential.unidentified}; smudge cells: {differential.smudges}; {excluded}", 10)
        changed = sum(cell.changed for cell in record.standing)
        self._line(f"Named by a person: {changed} of {len(record.standing)} cells", 10)
        for one in reviews(differential, record.info.thresholds.get("warn_share", WARN_SHARE)):
            self._line(f"Warning: {sentence(one)}.", 10, bold=True)
        for picture in record.pictures:
            if picture.refused is not None:
                self._line(f"Not counted: {readable(Path(picture.path).name)}: {picture.refused}", 9)
        self.pdf.ln(2)

    def about(self, record: Record) -> None:
        info = record.info
        scale = "not known" if record.um_per_px is None else f"{record.um_per_px:.4g} µm per pixel"
        accounts = record.accounts
        self._line(
            "Method: microscopy of a stained smear; white cells found by their stain, named by a neural network, "
            "reviewed by a person where it says signed. Limits are exact (Clopper-Pearson).",
            8,
        )
        self._line(f"Pictures: {accounts.counted} counted of {accounts.captured}; scale {scale}", 8)
        self._line(f"Program: {info.program or 'leuko-edge'}; model {readable(info.model_name)}", 8)
        self._line(f"Model's SHA-256: {info.model_sha256 or 'not known'}. {certified(info.model_sha256)}", 8)
        self._line(NOT_A_DEVICE, 9, bold=True)

    def cells(self, archive: Archive, record: Record) -> None:
        by_label = defaultdict(list)
        for cell in record.standing:
            by_label[cell.label].append(cell)
        if not by_label:
            return
        pdf = self.pdf
        pdf.add_page()
        self._line(
            f"Cells of session {record.summary.id}, {readable(record.info.sample) or 'sample not named'}", 12, True
        )
        for label, cells in by_label.items():
            shown = cells[: COLUMNS * ROWS]
            rows = -(-len(shown) // COLUMNS)
            if pdf.get_y() + 7 + rows * (TILE + 4.5) > pdf.h - 16:
                pdf.add_page()
            more = "" if len(shown) == len(cells) else f", the first {len(shown)}"
            self._line(f"{label.replace('_', ' ')} ({len(cells)}{more})", 10, bold=True, height=6)
            top = pdf.get_y()
            for n, cell in enumerate(shown):
                x, y = pdf.l_margin + n % COLUMNS * (TILE + 2), top + n // COLUMNS * (TILE + 4.5)
                if png := archive.png(record.summary.id, cell.id):
                    pdf.image(io.BytesIO(png), x, y, TILE, TILE)
                self._font(6)
                pdf.text(x, y + TILE + 2.5, f"#{cell.id}")
            pdf.set_xy(pdf.l_margin, top + rows * (TILE + 4.5))

    def _row(self, values: tuple[str, ...], bold: bool = False) -> None:
        self._font(9, bold)
        for n, (value, width) in enumerate(zip(values, COLUMN, strict=True)):
            self.pdf.cell(width, 6, self._said(value), align="R" if 0 < n < 5 else "L")
        self.pdf.ln(6)

    def _line(self, text: str, size: float, bold: bool = False, height: float = 0) -> None:
        self._font(size, bold)
        self.pdf.multi_cell(0, height or size / 2, self._said(text), new_x="LMARGIN", new_y="NEXT", align="L")

    def _font(self, size: float, bold: bool = False) -> None:
        self.pdf.set_font("body" if self._unicode else "helvetica", "B" if bold else "", size)

    def _said(self, text: str) -> str:
        return text if self._unicode else text.replace("–", "-").encode("latin-1", "replace").decode("latin-1")


def certified(sha256: str) -> str:
    """What the certificate of the model of that hash says, where it is the one that ships; of another the session has
    no card."""
    from ..model import certificate
    from ..model.card import ModelCard, shipped_model

    try:
        card = ModelCard.load(shipped_model().with_suffix(".json"))
    except ModelError:
        card = None
    if card is None or card.sha256 != sha256 or certificate.problem(card.certificate, card.sha256, card.classes):
        return "Its certificate is not at hand."
    said = [line for line in certificate.lines(card.certificate) if line.startswith(("agreement", "largest", "data"))]
    return f"Its certificate, quantized against float: {'; '.join(said)}."


def _cells(share: Share) -> tuple[str, ...]:
    percent = "–" if share.percent is None else f"{share.percent:.1f}"
    interval = f"{share.ci95[0]:.1f} – {share.ci95[1]:.1f}"
    reference = "–" if share.reference is None else f"{share.reference[0]:g} – {share.reference[1]:g}"
    return share.label.replace("_", " "), str(share.count), percent, interval, reference, share.flag or "–"


def _time(at: float | None) -> str:
    return "–" if at is None else datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M %Z")
