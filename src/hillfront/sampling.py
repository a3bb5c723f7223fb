"""Sampler settings, what a sampler of a design does, and the run of nutpie that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import xarray as xr
    from nutpie.compile_pymc import CompiledPyMCModel

    from hillfront.coordinates import Coordinates
    from hillfront.design import Design
    from hillfront.frontiers import Frontiers

__all__ = ["START_SPREAD", "Sampler", "SamplerSettings", "default_target_accept", "run_nutpie"]

START_SPREAD: Final = 0.5
"""Chains start this far about the guesses, in the sampler's units."""


@dataclass(frozen=True)
class SamplerSettings:
    """How to sample.

    Attributes
    ----------
    draws, tune, chains : int
        Kept and discarded iterations of each chain, and the number of chains.
    target_accept : float
        Mean acceptance that sets the step size.
    seed : int
        Seed of everything random in the fit.
    thin : int
        Keep every so-many-th of the draws: memory and files shrink with it, and so does what they can tell.
    """

    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    target_accept: float = 0.98
    seed: int = 1
    thin: int = 1

    def __post_init__(self) -> None:
        for name in ("draws", "tune", "chains", "seed", "thin"):
            if isinstance(getattr(self, name), bool) or not isinstance(getattr(self, name), int):
                raise TypeError(f"{name}={getattr(self, name)!r} must be an integer.")
        if self.draws < 4 or self.chains < 1 or self.tune < 1:
            raise ValueError(
                f"draws={self.draws}, tune={self.tune}, chains={self.chains}: give at least 4 draws, 1 "
                "tuning iteration and 1 chain (4 chains of 1000 are the default)."
            )
        if not 1 <= self.thin <= self.draws // 4:
            raise ValueError(
                f"thin={self.thin} of {self.draws} draws a chain: give 1, which keeps all, or more, as long "
                "as 4 draws are kept."
            )
        if not 0.5 <= self.target_accept < 1.0:
            raise ValueError(
                f"target_accept={self.target_accept!r} must lie in [0.5, 1); 0.98 is the default."
            )
        if self.seed < 0:
            raise ValueError(f"seed={self.seed!r} must be a non-negative integer.")


def default_target_accept(groups: int) -> float:
    """Target acceptance for so many groups: the usual one guards designs whose few groups make a funnel.

    From 10 groups on a smaller one gives more effective draws a second, without divergences (docs/model.md).
    """
    return 0.95 if groups >= 10 else SamplerSettings.target_accept


class Sampler(Protocol):
    """A design that is ready to be sampled, on any table of it."""

    @property
    def design(self) -> Design:
        """The design that it was made for."""

    def posterior(
        self,
        frontiers: Frontiers,
        coordinates: Coordinates,
        settings: SamplerSettings,
        *,
        progress: bool,
        cores: int | None,
    ) -> tuple[xr.Dataset, xr.Dataset]:
        """Draws of the reported variables, and the statistics of the sampler; dims (chain, draw, ...)."""

    def prior(self, *, draws: int, seed: int) -> xr.Dataset:
        """Draws of the reported variables from the prior, in one chain."""


def run_nutpie(
    compiled: CompiledPyMCModel, settings: SamplerSettings, *, progress: bool, cores: int | None
) -> tuple[xr.Dataset, xr.Dataset]:
    """Sample what is compiled.

    Returns
    -------
    posterior, sample_stats : xarray.Dataset
        Thinned draws of all that was compiled, and the statistics of every draw.

    Raises
    ------
    KeyboardInterrupt
        When interrupted; nothing of the run is returned.
    """
    import nutpie

    sampler = nutpie.sample(
        compiled,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=cores,
        seed=settings.seed,
        target_accept=settings.target_accept,
        save_warmup=False,
        progress_bar=progress,
        blocking=False,
    )
    try:
        tree = sampler.wait()
    except BaseException:
        # nutpie's own handling would return the draws so far as if they were a result.
        sampler.cancel()
        raise
    kept_draws = slice(settings.thin - 1, None, settings.thin)
    posterior = tree["posterior"].to_dataset().isel(draw=kept_draws)
    stats = tree["sample_stats"].to_dataset()
    kept = {
        "diverging": "diverging",
        "energy": "energy",
        "depth": "tree_depth",
        "maxdepth_reached": "reached_max_treedepth",
        "n_steps": "n_steps",
        "step_size": "step_size",
        "logp": "lp",
    }
    return posterior, stats[list(kept)].rename(kept)
