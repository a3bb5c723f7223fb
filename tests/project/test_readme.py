"""The README's numbers are the demonstration's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hillfront.fits.frontier_fit import FrontierFit
from hillfront.text.summary import gain_lines

README = Path(__file__).parents[2] / "README.md"


def test_readme_shows_what_the_demo_prints(gemma: FrontierFit) -> None:
    """Medians agree within Monte Carlo error: machines differ in the last digits of their mathematics."""
    text = README.read_text()
    block = text[text.index("<!-- demo -->") : text.index("<!-- /demo -->")]
    improvement = gemma.improvement().summary
    gains = improvement[improvement["quantity"] == "mean_sparsity_gain"]
    shown = {
        match[1].strip(): float(match[2]) for match in re.finditer(r"│ gated   │ ([^│]+)│ ([\d.]+) \[", block)
    }
    expected = {
        {"average": "average of the settings", "new_setting": "a new setting"}.get(
            row["scope"], f"{row['site']} / {row['layer']}"
        ): row["median"]
        for _, row in gains.dropna(subset=["median"]).iterrows()
    }
    expected = {name: value for name, value in expected.items() if name in shown}
    assert len(expected) >= 9
    assert shown.keys() >= expected.keys()
    for name, value in expected.items():
        assert shown[name] == pytest.approx(value, rel=0.1), name
    sentence = re.search(r"gated needs ([\d.]+)x", " ".join(block.split()))
    assert sentence is not None
    assert float(sentence[1]) == shown["average of the settings"]
    assert "gated needs" in gain_lines(gemma)[0]
