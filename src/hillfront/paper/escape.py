r"""Names of any kind as LaTeX text for pdflatex, with nothing dropped.

What LaTeX treats as a command is escaped. Letters with accents, Greek letters and common signs become LaTeX
commands. Any other character stands as ``U+6F22`` in typewriter, by the macro ``\hfUnicode``, which a paper
set by LuaLaTeX or XeLaTeX may redefine to print the character itself.
"""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["UNICODE_MACRO", "comment", "latex", "replaced"]

UNICODE_MACRO: Final = r"\providecommand{\hfUnicode}[1]{\texttt{U+#1}}"
"""Definition that files with such characters need."""

_ASCII: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "$": r"\$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
}

_SIGNS: Final = {
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "‘": r"\textquoteleft{}",
    "’": r"\textquoteright{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "…": r"\textellipsis{}",
    "•": r"\textbullet{}",
    "·": r"\textperiodcentered{}",
    "°": r"\textdegree{}",
    "§": r"\S{}",
    "¶": r"\P{}",
    "©": r"\textcopyright{}",
    "®": r"\textregistered{}",
    "™": r"\texttrademark{}",
    "£": r"\textsterling{}",
    "€": r"\texteuro{}",
    "¥": r"\textyen{}",
    "ß": r"\ss{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "đ": r"\dj{}",
    "Đ": r"\DJ{}",
    "ð": r"\dh{}",
    "Ð": r"\DH{}",
    "þ": r"\th{}",
    "Þ": r"\TH{}",
    "ı": r"\i{}",
    "¡": r"\textexclamdown{}",
    "¿": r"\textquestiondown{}",
    "«": r"\guillemotleft{}",
    "»": r"\guillemotright{}",
    "\u00a0": "~",
}

_MATHS: Final = {
    "×": r"\times",
    "÷": r"\div",
    "±": r"\pm",
    "−": "-",
    "≤": r"\leq",
    "≥": r"\geq",
    "≈": r"\approx",
    "≠": r"\neq",
    "≡": r"\equiv",
    "∞": r"\infty",
    "→": r"\rightarrow",
    "←": r"\leftarrow",
    "↑": r"\uparrow",
    "↓": r"\downarrow",
    "↔": r"\leftrightarrow",
    "√": r"\surd",
    "∑": r"\sum",
    "∏": r"\prod",
    "∂": r"\partial",
    "∇": r"\nabla",
    "∈": r"\in",
    "∅": r"\emptyset",
    "∝": r"\propto",
    "ℓ": r"\ell",
    "¬": r"\neg",
    "½": r"\frac{1}{2}",
    "¼": r"\frac{1}{4}",
    "¾": r"\frac{3}{4}",
    "µ": r"\mu",
    "⊕": r"\oplus",
    "⊗": r"\otimes",
    "∘": r"\circ",
    "†": r"\dagger",
    "‡": r"\ddagger",
    "ς": r"\varsigma",
    "ϵ": r"\epsilon",
    "ε": r"\varepsilon",
    "ϕ": r"\phi",
    "φ": r"\varphi",
    "ϑ": r"\vartheta",
    "ο": "o",
    "Α": r"\mathrm{A}",
    "Β": r"\mathrm{B}",
    "Ε": r"\mathrm{E}",
    "Ζ": r"\mathrm{Z}",
    "Η": r"\mathrm{H}",
    "Ι": r"\mathrm{I}",
    "Κ": r"\mathrm{K}",
    "Μ": r"\mathrm{M}",
    "Ν": r"\mathrm{N}",
    "Ο": r"\mathrm{O}",
    "Ρ": r"\mathrm{P}",
    "Τ": r"\mathrm{T}",
    "Χ": r"\mathrm{X}",
}

_GREEK: Final = (
    "alpha beta gamma delta zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon chi psi omega"
)
_GREEK_CAPITALS: Final = "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"

_ACCENTS: Final = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
    "\u0328": "k",
    "\u0323": "d",
    "\u0331": "b",
}

_SUPERSCRIPTS: Final = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
_SUBSCRIPTS: Final = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))


def _greek(character: str) -> str | None:
    words = unicodedata.name(character, "").split()
    if len(words) != 4 or words[0] != "GREEK" or words[2] != "LETTER":
        return None
    name = words[3].lower().replace("lamda", "lambda")
    name, known = (name.capitalize(), _GREEK_CAPITALS) if words[1] == "CAPITAL" else (name, _GREEK)
    return rf"\{name}" if name in known.split() else None


def _one(character: str) -> str | None:
    """LaTeX of a single composed character, or None if there is none."""
    if character in _ASCII:
        return _ASCII[character]
    if " " <= character <= "~":
        return character
    if character in _SIGNS:
        return _SIGNS[character]
    if (maths := _MATHS.get(character) or _greek(character)) is not None:
        return rf"\ensuremath{{{maths}}}"
    if character in _SUPERSCRIPTS:
        return rf"\textsuperscript{{{_SUPERSCRIPTS[character]}}}"
    if character in _SUBSCRIPTS:
        return rf"\textsubscript{{{_SUBSCRIPTS[character]}}}"
    base, *marks = list(unicodedata.normalize("NFD", character))
    if base.isascii() and base.isalpha() and len(marks) == 1 and marks[0] in _ACCENTS:
        return rf"\{_ACCENTS[marks[0]]}{{{base}}}"
    return None


def latex(text: str) -> str:
    r"""Escape text for LaTeX.

    The file that it stands in needs ``\usepackage[T1]{fontenc}``, and :data:`UNICODE_MACRO` where characters
    are :func:`replaced`. White space of any kind becomes one space, as LaTeX would have it. Ligatures
    are broken, so that ``a--b`` keeps its two hyphens, and a text that begins with ``[`` or ``*`` is no
    option of the command before it.

    Examples
    --------
    >>> latex("a_b & 50% #1"), latex("β–é 漢")
    ('a\\_b \\& 50\\% \\#1', "\\ensuremath{\\beta}\\textendash{}\\'{e} \\hfUnicode{6F22}")
    """
    composed = unicodedata.normalize("NFC", " ".join(text.split()) if text.strip() else text.strip())
    parts = []
    for place, character in enumerate(composed):
        known = _one(character)
        if known is None:
            known = rf"\hfUnicode{{{ord(character):04X}}}"
        if character in "-,?!" and composed[place + 1 : place + 2] in ("-", ",", "`"):
            known += "{}"
        if place == 0 and character in "[*":
            known = f"{{{known}}}"
        parts.append(known)
    return "".join(parts)


def replaced(text: str) -> tuple[str, ...]:
    """Give the characters of a text that stand as their code points in LaTeX.

    Examples
    --------
    >>> replaced("é 漢 β")
    ('漢',)
    """
    composed = unicodedata.normalize("NFC", "".join(c for c in text if not c.isspace()))
    return tuple(dict.fromkeys(c for c in composed if _one(c) is None))


def comment(text: str) -> str:
    r"""Make text safe for a LaTeX comment: one line of printable characters.

    Examples
    --------
    >>> comment("a\nb")
    'a b'
    """
    return "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in " ".join(text.split()))
