"""What simulated SAEs may do that the fitted model does or does not expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hillfront.fits.simulation import Simulation, simulate

__all__ = ["AT_HIT", "SCENARIOS", "Scenario", "scenario_named", "simulated_set"]

AT_HIT: Final = 0.05
K: Final[Mapping[str, float]] = {"baseline": 0.9, "variant": 0.8}


@dataclass(frozen=True)
class Scenario:
    """One way in which simulated hits come about.

    Attributes
    ----------
    name, meaning : str
        What ``noise`` calls it, and what it is in words.
    curve : str
        True family; the fitted one is ``hill`` throughout.
    dense_limit : float or None
        L0 at which the true hit vanishes; the fit does not know of it.
    nu : float or None
        Degrees of freedom of the scatter, normal if None.
    outliers : float
        Share of SAEs with ten times the scatter.
    tau : float
        Additive noise, in units of the hit.
    """

    name: str
    meaning: str
    curve: str = "hill"
    dense_limit: float | None = None
    nu: float | None = None
    outliers: float = 0.0
    tau: float = 0.0


SCENARIOS: Final[dict[str, Scenario]] = {
    scenario.name: scenario
    for scenario in (
        Scenario("normal", "normal scatter on the logit scale about Hill curves"),
        Scenario("heavy-tails", "Student t scatter with 3 degrees of freedom", nu=3.0),
        Scenario("outliers", "one SAE in 20 with ten times the scatter", outliers=0.05),
        Scenario("additive", "noise of 0.003 added to every hit", tau=0.003),
        Scenario("wrong-family", "true curves are power laws", curve="power"),
        Scenario("dense-limit", "true curves reach a hit of 0 at an L0 of 512", dense_limit=512.0),
    )
}


def scenario_named(name: str) -> Scenario:
    """Return the scenario of that name.

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.

    Examples
    --------
    >>> scenario_named("heavy-tails").nu
    3.0
    """
    try:
        return SCENARIOS[name]
    except KeyError:
        raise ValueError(f"Unknown noise {name!r}. Allowed: {', '.join(SCENARIOS)}.") from None


def simulated_set(
    *, points: int, settings: int, sigma: float, gain: float, noise: str, random_seed: int
) -> Simulation:
    """Simulate a baseline with k = 0.9 and a variant with k = 0.8; identical curves for a gain of 1.

    ``gain`` is the true gain at a hit of 0.05, in every setting.
    """
    scenario = scenario_named(noise)
    return simulate(
        points=points,
        settings=settings,
        sigma=sigma,
        gain=gain,
        k=K["baseline"] if gain == 1.0 else K,
        curve=scenario.curve,
        dense_limit=scenario.dense_limit,
        nu=scenario.nu,
        outliers=scenario.outliers,
        tau=scenario.tau,
        at_hit=(AT_HIT,),
        random_seed=random_seed,
    )
