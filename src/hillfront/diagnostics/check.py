"""One check of a fit, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Check"]


@dataclass(frozen=True)
class Check:
    """One check: what was seen, what is asked, and what to do where they differ.

    Attributes
    ----------
    name : str
    value : float
    asked : str
        The condition in words, empty where the check only informs.
    passed : bool or None
        None where the check only informs.
    seen, next_step : str
    """

    name: str
    value: float
    asked: str
    passed: bool | None
    seen: str
    next_step: str

    def __str__(self) -> str:
        """One line."""
        state = {True: "passed", False: "FAILED", None: "for information"}[self.passed]
        asked = f" (asked: {self.asked})" if self.asked else ""
        step = f" {self.next_step}" if self.passed is not True and self.next_step else ""
        return f"{self.name}: {state}: {self.seen}{asked}.{step}"
