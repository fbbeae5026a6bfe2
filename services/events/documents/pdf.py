"""Certificates and name tags as PDF. Pure: the same input makes the same document, except for its date."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ttf_opensans
from fpdf import FPDF

# Open Sans has every letter of the languages of Finland's municipalities, the Sámi ones too; PDF's own fonts do not.
FONTS = Path(ttf_opensans.__file__).parent / "ttf"
INK, SOFT, DEEP, ACCENT = (22, 36, 47), (81, 96, 107), (12, 60, 84), (242, 177, 56)
# Avery L4728 and the like: two by five tags of 90 by 54 mm on an A4 sheet.
TAG_WIDTH, TAG_HEIGHT, TAG_COLUMNS, TAG_ROWS = 90, 54, 2, 5


def certificate(words: Mapping[str, str], *, name: str, title: str, facts: Iterable[str]) -> bytes:
    """A certificate of attendance: an A4 sheet with a name, an event's title, and lines of facts."""
    pdf = _document("landscape", words["title"], words["language"])
    pdf.add_page()
    pdf.set_fill_color(*DEEP)
    pdf.rect(0, 0, 297, 26, style="F")
    pdf.set_fill_color(*ACCENT)
    pdf.rect(0, 26, 297, 2, style="F")
    _line(pdf, words["site"], size=15, bold=True, colour=(255, 255, 255), y=8)
    _line(pdf, words["title"].upper(), size=14, colour=SOFT, y=58)
    _line(pdf, name, size=34, bold=True, colour=INK, y=72)
    _line(pdf, words["attended"], size=14, colour=SOFT, y=96)
    _line(pdf, title, size=20, bold=True, colour=DEEP, y=110)
    for fact in facts:
        _line(pdf, fact, size=13, colour=INK)
    return bytes(pdf.output())


def name_tags(language: str, title: str, people: Iterable[tuple[str, str]]) -> bytes:
    """Name tags, ten on a sheet: each with a name and an organisation."""
    pdf = _document("portrait", title, language)
    per_page = TAG_COLUMNS * TAG_ROWS
    left, top = (210 - TAG_COLUMNS * TAG_WIDTH) / 2, (297 - TAG_ROWS * TAG_HEIGHT) / 2
    for number, (name, organisation) in enumerate(people):
        place = number % per_page
        if place == 0:
            pdf.add_page()
        x, y = left + place % TAG_COLUMNS * TAG_WIDTH, top + place // TAG_COLUMNS * TAG_HEIGHT
        pdf.set_draw_color(213, 220, 223)
        pdf.rect(x, y, TAG_WIDTH, TAG_HEIGHT)
        pdf.set_fill_color(*ACCENT)
        pdf.rect(x, y, TAG_WIDTH, 3, style="F")
        _line(pdf, title, size=8, colour=SOFT, x=x + 5, y=y + 6, width=TAG_WIDTH - 10)
        _line(pdf, name, size=19, bold=True, colour=INK, x=x + 5, y=y + 17, width=TAG_WIDTH - 10)
        _line(pdf, organisation, size=11, colour=DEEP, x=x + 5, y=y + 42, width=TAG_WIDTH - 10)
    if not pdf.pages:
        pdf.add_page()
    return bytes(pdf.output())


def _document(orientation: Any, title: str, language: str) -> FPDF:
    pdf = FPDF(orientation=orientation, format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_title(title)
    pdf.set_lang(language)
    pdf.add_font("sans", "", FONTS / "OpenSans-Regular.ttf")
    pdf.add_font("sans", "B", FONTS / "OpenSans-Bold.ttf")
    return pdf


def _line(
    pdf: FPDF,
    text: str,
    *,
    size: float,
    colour: tuple[int, int, int],
    bold: bool = False,
    x: float = 30,
    y: float | None = None,
    width: float = 237,
) -> None:
    """Writes a text at this place, in smaller letters if it is too long for the width."""
    pdf.set_text_color(*colour)
    while size > 7:
        pdf.set_font("sans", "B" if bold else "", size)
        if pdf.get_string_width(text) <= width:
            break
        size -= 1
    if y is not None:
        pdf.set_y(y)
    pdf.set_x(x)
    pdf.multi_cell(width, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT", max_line_height=size * 0.5)
