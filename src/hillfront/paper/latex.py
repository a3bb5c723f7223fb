r"""Names, numbers and macro names of any kind as LaTeX for pdflatex, with nothing dropped.

In text, what LaTeX treats as a command is escaped. Letters with accents, Greek letters and common signs
become LaTeX commands. Any other character stands as ``U+6F22`` in typewriter, by the macro ``\hfUnicode``,
which a paper set by LuaLaTeX or XeLaTeX may redefine to print the character itself.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from hillfront.utils.wording import probability, significant

__all__ = [
    "MISSING",
    "UNICODE_MACRO",
    "comment",
    "latex",
    "letters",
    "replaced",
    "tex_interval",
    "tex_number",
    "tex_probability",
    "unique_letters",
]

UNICODE_MACRO: Final = r"\providecommand{\hfUnicode}[1]{\texttt{U+#1}}"
"""Definition that files with such characters need."""

MISSING: Final = "--"
"""Mark of a missing number, in tables and macros alike."""


def _pairs(table: str) -> dict[str, str]:
    """Read characters, each with its LaTeX behind it."""
    words = table.split()
    return dict(zip(words[::2], words[1::2], strict=True))


_ASCII: Final = _pairs(r"""
    \ \textbackslash{}     { \{                   } \}                   & \&
    % \%                   # \#                   _ \_                   $ \$
    ~ \textasciitilde{}    ^ \textasciicircum{}   < \textless{}          > \textgreater{}
    | \textbar{}           " \textquotedbl{}      ` \textasciigrave{}    ' \textquotesingle{}
""")
_SIGNS: Final = _pairs(r"""
    – \textendash{}           — \textemdash{}           ‘ \textquoteleft{}
    ’ \textquoteright{}       “ \textquotedblleft{}     ” \textquotedblright{}
    … \textellipsis{}         • \textbullet{}           · \textperiodcentered{}
    ° \textdegree{}           § \S{}                    ¶ \P{}
    © \textcopyright{}        ® \textregistered{}       ™ \texttrademark{}
    £ \textsterling{}         € \texteuro{}             ¥ \textyen{}
    ß \ss{}                   ø \o{}                    Ø \O{}
    æ \ae{}                   Æ \AE{}                   œ \oe{}
    Œ \OE{}                   ł \l{}                    Ł \L{}
    đ \dj{}                   Đ \DJ{}                   ð \dh{}
    Ð \DH{}                   þ \th{}                   Þ \TH{}
    ı \i{}                    ¡ \textexclamdown{}       ¿ \textquestiondown{}
    « \guillemotleft{}        » \guillemotright{}
""") | {"\u00a0": "~"}
_MATHS: Final = _pairs(r"""
    × \times            ÷ \div              ± \pm               − -
    ≤ \leq              ≥ \geq              ≈ \approx           ≠ \neq
    ≡ \equiv            ∞ \infty            → \rightarrow       ← \leftarrow
    ↑ \uparrow          ↓ \downarrow        ↔ \leftrightarrow   √ \surd
    ∑ \sum              ∏ \prod             ∂ \partial          ∇ \nabla
    ∈ \in               ∅ \emptyset         ∝ \propto           ℓ \ell
    ¬ \neg              µ \mu               ⊕ \oplus            ⊗ \otimes
    ∘ \circ             † \dagger           ‡ \ddagger          ς \varsigma
    ϵ \epsilon          ε \varepsilon       ϕ \phi              φ \varphi
    ϑ \vartheta         ο o                 ½ \frac{1}{2}       ¼ \frac{1}{4}
    ¾ \frac{3}{4}
""") | {
    # Greek capitals that look like Latin ones have no command.
    greek: rf"\mathrm{{{latin}}}"
    for greek, latin in zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧ", "ABEZHIKMNOPTX", strict=True)
}

_GREEK: Final = _pairs(r"""
    α \alpha      β \beta       γ \gamma      δ \delta      ζ \zeta       η \eta
    θ \theta      ι \iota       κ \kappa      λ \lambda     μ \mu         ν \nu
    ξ \xi         π \pi         ρ \rho        σ \sigma      τ \tau        υ \upsilon
    χ \chi        ψ \psi        ω \omega      Γ \Gamma      Δ \Delta      Θ \Theta
    Λ \Lambda     Ξ \Xi         Π \Pi         Σ \Sigma      Υ \Upsilon    Φ \Phi
    Ψ \Psi        Ω \Omega
""")
# Combining marks, in the order of their commands.
_ACCENTS: Final = dict(
    zip(
        "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0328\u0323\u0331",
        """`'^~=u."rHvckdb""",
        strict=True,
    )
)
_KNOWN: Final = (
    _ASCII
    | _SIGNS
    | {character: rf"\ensuremath{{{maths}}}" for character, maths in (_MATHS | _GREEK).items()}
    | {character: rf"\textsuperscript{{{digit}}}" for digit, character in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
    | {character: rf"\textsubscript{{{digit}}}" for digit, character in enumerate("₀₁₂₃₄₅₆₇₈₉")}
)


def _one(character: str) -> str | None:
    """LaTeX of a single composed character, or None if there is none."""
    if character in _KNOWN:
        return _KNOWN[character]
    if " " <= character <= "~":
        return character
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
    for index, character in enumerate(composed):
        known = _one(character)
        if known is None:
            known = rf"\hfUnicode{{{ord(character):04X}}}"
        if character in "-,?!" and composed[index + 1 : index + 2] in ("-", ",", "`"):
            known += "{}"
        if index == 0 and character in "[*":
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


# ---------------------------------------------------------------- numbers


def tex_number(value: float, *, digits: int = 3) -> str:
    r"""Print a number in LaTeX, rounded to so many significant digits.

    Examples
    --------
    >>> tex_number(5.978), tex_number(1.234e7), tex_number(float("inf")), tex_number(float("nan"))
    ('5.98', '\\ensuremath{1.23\\times 10^{7}}', '\\ensuremath{\\infty}', '--')
    """
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return r"\ensuremath{\infty}" if value > 0 else r"\ensuremath{-\infty}"
    text = significant(value, digits=digits)
    mantissa, e, exponent = text.partition("e")
    if e:
        return rf"\ensuremath{{{mantissa}\times 10^{{{int(exponent)}}}}}"
    return text if value >= 0 else rf"\ensuremath{{{text}}}"


def tex_interval(median: float, lower: float, upper: float) -> str:
    """Print a median with its interval.

    Examples
    --------
    >>> tex_interval(5.978, 4.967, 7.282)
    '5.98 [4.97, 7.28]'
    """
    if math.isnan(median):
        return MISSING
    return f"{tex_number(median)} [{tex_number(lower)}, {tex_number(upper)}]"


def tex_probability(value: float) -> str:
    r"""Print a probability; what rounds to 0 or 1 is only said to be near it.

    Examples
    --------
    >>> tex_probability(0.90375), tex_probability(1.0), tex_probability(0.0)
    ('0.904', '\\ensuremath{>0.999}', '\\ensuremath{<0.001}')
    """
    if math.isnan(value):
        return MISSING
    text = probability(value)
    return text.removeprefix("= ") if text.startswith("=") else rf"\ensuremath{{{text.replace(' ', '')}}}"


# ---------------------------------------------------------------- names of macros

_DIGITS: Final = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


def letters(text: str) -> str:
    """Put text into letters that LaTeX allows in a macro's name, each word with a capital.

    Digits and the point between them are spelled; accents are left out; a Greek letter has its name, any
    other letter its code point. Signs only separate words.

    Examples
    --------
    >>> letters("top_k-32"), letters("0.02"), letters("β–é"), letters("漢"), letters("%")
    ('TopKThreeTwo', 'ZeroPointZeroTwo', 'BetaE', 'USixFTwoTwo', 'Sign')
    """
    spelled = re.sub(r"(?<=\d)\.(?=\d)", " Point ", text)
    words: list[str] = []
    word = ""
    for character in unicodedata.normalize("NFD", spelled):
        if character.isascii() and character.isalpha():
            word += character
            continue
        if unicodedata.combining(character):
            continue
        words.append(word)
        word = ""
        if character.isascii() and character.isdigit():
            words.append(_DIGITS[int(character)])
        elif character.isalnum():
            name = unicodedata.name(character, "").split()
            greek = name[:1] == ["GREEK"] and len(name) == 4
            words.append(name[3].lower() if greek else _spell_code(character))
    words.append(word)
    return "".join(w[0].upper() + w[1:] for w in words if w) or "Sign"


def _spell_code(character: str) -> str:
    return "U" + "".join(_DIGITS[int(c)] if c.isdigit() else c for c in f"{ord(character):04X}")


def unique_letters(texts: Iterable[str], *, taken: Iterable[str] = ()) -> dict[str, str]:
    """Give each text letters of its own, none of those taken.

    The later of two that would be alike has ``B`` at its end, the next ``C``.

    Examples
    --------
    >>> unique_letters(["a_b", "a-b", "c"])
    {'a_b': 'AB', 'a-b': 'ABB', 'c': 'C'}
    """
    found: dict[str, str] = {}
    used = set(taken)
    for text in dict.fromkeys(texts):
        name = stem = letters(text)
        number = 1
        while name in used:
            number += 1
            name = stem + _count(number)
        used.add(name)
        found[text] = name
    return found


def _count(number: int) -> str:
    """2 is B, 26 is Z, 27 is AA."""
    out = ""
    while number:
        number, rest = divmod(number - 1, 26)
        out = chr(ord("A") + rest) + out
    return out
