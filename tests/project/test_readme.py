"""The README's numbers are the demonstration's."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from arviz_stats.base import array_stats

from hillfront.fits.frontier_fit import FrontierFit
from hillfront.text.summary import gain_lines

README = Path(__file__).parents[2] / "README.md"


def test_readme_shows_what_the_demo_prints(gemma: FrontierFit) -> None:
    """Medians and intervals agree within Monte Carlo error: processors differ in their last digits."""
    text = README.read_text()
    block = text[text.index("<!-- demo -->") : text.index("<!-- /demo -->")]
    shown = {
        match[1].strip(): [float(number) for number in match.groups()[1:]]
        for match in re.finditer(r"│ gated   │ ([^│]+)│ ([\d.]+) \[([\d.]+), ([\d.]+)\]", block)
    }
    gains = gemma.improvement().draws["mean_sparsity_gain"].sel(variant="gated")
    names = {"average of the settings": "average", "a new setting": "new_setting"}
    assert len(shown) >= 9
    assert shown.keys() >= names.keys()
    for name, numbers in shown.items():
        values = gains.sel(setting=names.get(name, name)).transpose("chain", "draw").to_numpy()
        for number, prob in zip(numbers, (0.5, 0.05, 0.95), strict=True):
            # Two fits, each with this error, and a number that was rounded.
            error = float(array_stats.mcse(values, -2, -1, method="quantile", prob=prob))
            assert abs(number - np.quantile(values, prob)) < 5 * np.sqrt(2) * error + 0.005, (name, prob)
    sentence = re.search(r"gated needs ([\d.]+)x", " ".join(block.split()))
    assert sentence is not None
    assert float(sentence[1]) == shown["average of the settings"][0]
    assert "gated needs" in gain_lines(gemma)[0]
