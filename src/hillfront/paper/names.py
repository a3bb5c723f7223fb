"""Names of LaTeX macros: letters only, unique, the same at every run."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

__all__ = ["letters", "unique_letters"]

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
