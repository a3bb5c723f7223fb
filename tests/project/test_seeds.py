"""The offset of all seeds: it reaches NumPy, nutpie and PyMC."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seeds import moved

DRAWN = """
import numpy as np
import seeds
plain = np.random.default_rng
expected = plain(5).random(), plain([4, 7]).random()
import hillfront as hf
import pymc as pm
prepared = hf.prepare(hf.simulate(random_seed=1).frontiers, baseline="baseline")
def posterior(seed):
    return prepared.fit(draws=4, tune=4, random_seed=seed, progressbar=False).data["posterior"]["k"]
def drawn(seed):
    return pm.draw(pm.Normal.dist(), random_seed=seed)
before = posterior(3), posterior(3), drawn(6)
assert before[0].equals(before[1])
seeds.add_to_seeds(3)
rng = np.random.default_rng
assert (rng(2).random(), rng([1, 7]).random()) == expected
assert rng(plain(1)) is not None
assert not posterior(3).equals(before[0])
assert drawn(3) == before[2]
"""


def test_every_seed_is_moved() -> None:
    tests = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(tests)}
    subprocess.run([sys.executable, "-c", DRAWN], check=True, env=environment)


@pytest.mark.parametrize("seed", [None, True])
def test_what_is_no_seed_stays(seed: object) -> None:
    assert moved(seed, 3) is seed
    rng = np.random.Generator(np.random.PCG64(1))
    assert moved(rng, 3) is rng
