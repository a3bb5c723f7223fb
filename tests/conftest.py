"""Settings of the whole test suite."""

from __future__ import annotations

import matplotlib
from hypothesis import settings

matplotlib.use("Agg")

# The same examples in every run, and no time limit on a single one: machines are shared. Look for new
# examples with `pytest --hypothesis-profile=search`.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile("repeatable")
