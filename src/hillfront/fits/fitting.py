"""Fit frontiers: make a design ready once, then fit it to any data of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import xarray as xr

from hillfront.curves.sparsity import DenseLimit
from hillfront.diagnostics.model_checks import Check
from hillfront.diagnostics.run import ESS_PER_CHAIN, convergence_of
from hillfront.estimands.draws import curve_draws, effect_draws
from hillfront.estimands.selection import hidden_log_likelihood, without_selection
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.fits.storage import fit_tree
from hillfront.frontiers.table import Frontiers
from hillfront.model.data import row_data
from hillfront.model.design import Design, design_of, errors_named, require_frontiers, widths_named
from hillfront.model.likelihood import DEFAULT_NOISE
from hillfront.model.log_prior import LogPriors, log_priors_of
from hillfront.model.priors import DEFAULT_HIT_REF, resolve_priors
from hillfront.model.pymc_model import build_model
from hillfront.sampling.nutpie_run import SamplerOptions, default_target_accept, sampler_of
from hillfront.sampling.parameterization import parameterization_of
from hillfront.utils.interface import argument, for_objects

if TYPE_CHECKING:
    import pymc as pm

    from hillfront.sampling.nutpie_run import Sampler

__all__ = ["PreparedModel", "fit", "prepare"]

FIRST_DRAWS: Final = 1000
MOST_DRAWS: Final = 8 * FIRST_DRAWS
"""Draws of each chain with which a fit begins, and with which it ends whether its checks pass or not."""

PRIOR_DRAWS = 1000
_PRIOR_SEED = 0
_log = logging.getLogger("hillfront")


@for_objects("hf.prepare(frontiers, baseline=...)")
@dataclass(frozen=True)
class PreparedModel:
    """A model, ready to be fitted to any table of its design.

    Attributes
    ----------
    frontiers : Frontiers
        The table that it was prepared with.
    design : Design
    priors : mapping of str to Distribution, Prior or float
    sampler : Sampler
        The compiled density where it has a place for the design, or else the compiled PyMC model.
    """

    frontiers: Frontiers
    design: Design
    priors: Mapping[str, Any]
    sampler: Sampler

    @cached_property
    def model(self) -> pm.Model:
        """The model itself, for PyMC's own tools."""
        return build_model(self.frontiers, self.design, self.priors)

    @cached_property
    def prior(self) -> xr.Dataset:
        """Draws of the prior, dims (chain, draw, ...), with the natural parameters of every curve."""
        # The prior does not depend on the data, so refits share one set of draws.
        return _complete(
            self.sampler.prior(draws=PRIOR_DRAWS, random_seed=_PRIOR_SEED), self.design, self.priors
        )

    @cached_property
    def _log_priors(self) -> LogPriors:
        return log_priors_of(self.design, self.priors)

    def fit(
        self,
        frontiers: Frontiers | None = None,
        *,
        draws: int | None = None,
        tune: int = 1000,
        chains: int = 4,
        target_accept: float | None = None,
        random_seed: int = 1,
        thin: int = 1,
        cores: int | None = None,
        progressbar: bool = True,
    ) -> FrontierFit:
        """Sample the posterior.

        By default, sampling goes on until R-hat is at most 1.01 and the effective sample size at least 100 a
        chain for every reported quantity, at 1,000, 2,000, 4,000 or, whether they pass or not, 8,000 draws a
        chain. The logger ``hillfront`` says so, at level INFO, where more than 1,000 are needed.

        Parameters
        ----------
        frontiers : Frontiers, optional
            Other data of the same variants, settings and columns; the number of rows is free. The data that
            the model was prepared with, by default.
        draws : int, optional
            Kept iterations of each chain: a fixed number, in place of as many as the checks need.
        tune, chains : int
            Discarded iterations of each chain, and the number of chains.
        target_accept : float, optional
            Mean acceptance that sets the step size; raise it if draws diverge. By default 0.98, or 0.95 from
            10 settings on, which fix their own spread well enough (docs/model.md).
        random_seed : int
            The same seed gives the same draws.
        thin : int
            Keep every so-many-th draw, where a fit of very many curves would not fit into memory. The checks
            judge the draws that are kept.
        cores : int, optional
            Chains that run at once; all cores by default.
        progressbar : bool
            Whether to show nutpie's progress bar, in a terminal or a notebook.

        Returns
        -------
        FrontierFit

        Raises
        ------
        ValueError
            If the data have another design, or a setting is out of bounds.
        """
        if target_accept is None:
            target_accept = default_target_accept(len(self.design.settings))
        if draws is None and MOST_DRAWS // max(thin, 1) < ESS_PER_CHAIN:
            raise ValueError(
                f"{argument('thin', thin)} keeps {MOST_DRAWS // thin} of at most {MOST_DRAWS:,} draws a "
                f"chain, fewer than the {ESS_PER_CHAIN} asked for: give a smaller one, or "
                f"{argument('draws')}."
            )
        first = FIRST_DRAWS if draws is None else draws
        chosen = draws is None
        sampler_options = SamplerOptions(first, tune, chains, target_accept, random_seed, thin, chosen)
        if frontiers is None:
            frontiers = self.frontiers
        elif frontiers is not self.frontiers:
            require_frontiers(frontiers, "A prepared model")
            self._check_design(frontiers)
        posterior, stats = self.sample(frontiers, sampler_options, progressbar=progressbar, cores=cores)
        if progressbar:
            _show_log()
        convergence: tuple[Check, ...] | None = None
        # Each stage is a run of its own: with the same seed, its first draws are those of the stage before.
        # To watch one run of 8,000 draws and stop it would save those, but all its chains must then run at
        # once, beyond `cores`: fits that pass at 1,000 draws, as most do, took longer on 2 cores.
        while draws is None:
            convergence = convergence_of(posterior, frontiers, self.design, random_seed=random_seed)
            failed = [check for check in convergence if check.passed is False]
            before = sampler_options.draws
            if not failed or before >= MOST_DRAWS:
                break
            sampler_options = replace(sampler_options, draws=2 * before)
            _log.info(
                "%s: %s, after %s draws a chain; sampling on to %s.",
                *(failed[0].name, failed[0].seen, f"{before:,}", f"{sampler_options.draws:,}"),
            )
            seconds = stats.attrs.get("sampling_time", 0.0)
            posterior, stats = self.sample(frontiers, sampler_options, progressbar=progressbar, cores=cores)
            stats.attrs["sampling_time"] = seconds + stats.attrs.get("sampling_time", 0.0)
        sampled = {"posterior": posterior, "sample_stats": stats, "prior": self.prior}
        sampled["log_prior"] = self._log_priors.at(posterior)
        tree = fit_tree(sampled, frontiers, self.design, sampler_options, priors=self.priors)
        if self.design.selected:
            as_if_all = without_selection(frontiers)
            uncorrected, _ = self.sample(as_if_all, sampler_options, progressbar=progressbar, cores=cores)
            tree["posterior_uncorrected"] = xr.DataTree(uncorrected)
            tree["log_selection"] = xr.DataTree(hidden_log_likelihood(posterior, frontiers, self.design))
        fit = FrontierFit(tree)
        # Cached properties, so that they are not derived again.
        vars(fit).update(design=self.design, frontiers=frontiers)
        if convergence is not None:
            vars(fit)["_convergence"] = convergence
        return fit

    def sample(
        self,
        frontiers: Frontiers,
        sampler_options: SamplerOptions,
        *,
        progressbar: bool = False,
        cores: int | None = None,
    ) -> tuple[xr.Dataset, xr.Dataset]:
        """Sample the posterior alone, for leave-one-out refits and studies; curves may lack data.

        Returns
        -------
        posterior, sample_stats : xarray.Dataset
        """
        if self.sampler.design != self.design:
            raise ValueError(
                "This model was put together from the parts of two designs. Prepare one, by prepare(...)."
            )
        parameterization = parameterization_of(row_data(frontiers, self.design), self.design)
        posterior, stats = self.sampler.posterior(
            frontiers, parameterization, sampler_options, progressbar=progressbar, cores=cores
        )
        return _complete(posterior, self.design, self.priors), stats

    def _check_design(self, frontiers: Frontiers) -> None:
        """Refuse data that this model was not built for."""
        design, before = self.design, self.frontiers
        options = ("baseline", "curve", "noise", "dense_limit", "relative_sparsity")
        again = design
        if design.baseline in frontiers.variants:
            again = design_of(frontiers, **{name: getattr(design, name) for name in options})
        for name, now, prepared in (
            ("variants", set(frontiers.variants), set(design.variants)),
            ("settings", set(frontiers.settings), set(design.settings)),
            ("metric", {frontiers.metric_label}, {before.metric_label}),
            ("known errors", errors_named(again), errors_named(design)),
            ("n_trained", {"n_trained" in frontiers.table}, {design.selected}),
            ("d_model", widths_named(again), widths_named(design)),
        ):
            if now != prepared:
                shown = (", ".join(map(str, sorted(values))) or "none" for values in (now, prepared))
                raise ValueError(
                    "These frontiers have {}: {}; the model was prepared for: {}. Prepare a model with them, "
                    "by prepare(frontiers, ...).".format(name, *shown)
                )


def _show_log() -> None:
    """Show on standard error what is logged, as PyMC does, unless the process has its own handlers."""
    if not _log.handlers and not logging.root.handlers:
        _log.addHandler(logging.StreamHandler())
        _log.setLevel(logging.INFO)


def _complete(draws: xr.Dataset, design: Design, priors: Mapping[str, Any]) -> xr.Dataset:
    """Add natural parameters and effects, and note what is fixed, so that draws can be read by themselves."""
    out = draws.assign_attrs({f"fixed_{n}": p for n, p in priors.items() if isinstance(p, float)})
    names = ("setting", "variant", "chain", "draw")
    shape = [draws.sizes[dim] for dim in names]
    natural = {name: (names, values.reshape(shape)) for name, values in curve_draws(draws, design).items()}
    return out.assign(natural | effect_draws(draws, design)).transpose("chain", "draw", ...)


def prepare(
    frontiers: Frontiers,
    *,
    baseline: str,
    curve: str = "hill",
    priors: Mapping[str, Any] | None = None,
    pool: Mapping[str, str | float] | None = None,
    hit_ref: float = DEFAULT_HIT_REF,
    noise: str = DEFAULT_NOISE,
    dense_limit: DenseLimit = None,
    relative_sparsity: bool = False,
) -> PreparedModel:
    """Make the model of a table ready once, to fit it and others of its design at once.

    Most designs are sampled by a density that is compiled once on a machine; those that it does not support
    (docs/design-notes.md) compile their PyMC model here.

    Parameters
    ----------
    frontiers : Frontiers
    baseline : str
        The variant that the others are compared with.
    curve : str
        Name of the curve family.
    priors : mapping of str to pymc_extras.prior.Prior or float, optional
        Laid over :func:`hillfront.model.priors.default_priors`; a number fixes the parameter.
    pool : mapping of str to str or float, optional
        How curves share each parameter: ``"partial"`` (default), ``"common"``, ``"none"``, or a number to fix
        it, such as ``{"k": 1.0}``.
    hit_ref : float
        Performance hit at which a curve's position is measured; the prior on positions is stated there.
    noise : str
        Likelihood: ``"student-t"`` (default); ``"normal"``, its limit without tails; or
        ``"logit-normal"``, for hits inside (0, 1).
    dense_limit : "d_model" or float, optional
        L0 at which the hit vanishes, from the column or a number: sparsity is then 1/L0 - 1/L_dense.
    relative_sparsity : bool
        Whether L0 counts in shares of d_model, so that settings of different width share the prior on
        positions.

    Returns
    -------
    PreparedModel

    Raises
    ------
    ValueError
        For an unknown baseline, curve, prior, pooling or noise, or options that do not go together.
    FrontierDataError
        For rows at the dense limit or above, or outside (0, 1) under logit-normal noise.
    """
    design = design_of(
        frontiers,
        baseline=baseline,
        curve=curve,
        pool=pool,
        hit_ref=hit_ref,
        noise=noise,
        dense_limit=dense_limit,
        relative_sparsity=relative_sparsity,
    )
    resolved = resolve_priors(design.family, priors, noise=noise, relative_sparsity=relative_sparsity)
    return PreparedModel(frontiers, design, resolved, sampler_of(frontiers, design, resolved))


def fit(
    frontiers: Frontiers,
    *,
    baseline: str,
    curve: str = "hill",
    priors: Mapping[str, Any] | None = None,
    pool: Mapping[str, str | float] | None = None,
    hit_ref: float = DEFAULT_HIT_REF,
    noise: str = DEFAULT_NOISE,
    dense_limit: DenseLimit = None,
    relative_sparsity: bool = False,
    draws: int | None = None,
    tune: int = 1000,
    chains: int = 4,
    target_accept: float | None = None,
    random_seed: int = 1,
    thin: int = 1,
    cores: int | None = None,
    progressbar: bool = True,
) -> FrontierFit:
    r"""Fit curves jointly to all frontiers of a table.

    The model is ``y ~ StudentT(nu, f(x), s)`` with ``s^2 = (sigma f (1-f))^2 + tau^2 + se^2``, where
    ``f(x) = x^k / (x^k + x_half^k)`` in the Hill family and ``x = 1/L0``; positions and slopes have contrasts
    between variants and partially pooled effects of settings. ``fit(...)`` is ``prepare(...).fit(...)``.

    Parameters
    ----------
    frontiers : Frontiers
    baseline, curve, priors, pool, hit_ref, noise, dense_limit, relative_sparsity
        As for :func:`prepare`.
    draws, tune, chains, target_accept, random_seed, thin, cores, progressbar
        As for :meth:`hillfront.fits.PreparedModel.fit`.

    Returns
    -------
    FrontierFit

    Raises
    ------
    ValueError
        For an unknown baseline, curve, prior or pooling, or a setting that is out of bounds.

    Examples
    --------
    >>> import hillfront as hf
    >>> rows = hf.load_dataset("gated_sae", model="Gemma-7B")
    >>> rows = rows[(rows.site == "resid") & (rows.layer == 20)]
    >>> frontiers = hf.Frontiers.from_frame(rows, group=["site", "layer"])
    >>> result = hf.fit(frontiers, baseline="baseline", draws=200, tune=200, progressbar=False)
    >>> result.pareto().summary["verdict"].tolist()[-1]
    'better'
    >>> result.check_claim("mean_sparsity_gain", low=2.0).probability > 0.95
    True
    """
    # Settings are checked before the preparation that they would otherwise wait for.
    usual = SamplerOptions.target_accept if target_accept is None else target_accept
    SamplerOptions(FIRST_DRAWS if draws is None else draws, tune, chains, usual, random_seed, thin)
    prepared = prepare(
        frontiers,
        baseline=baseline,
        curve=curve,
        priors=priors,
        pool=pool,
        hit_ref=hit_ref,
        noise=noise,
        dense_limit=dense_limit,
        relative_sparsity=relative_sparsity,
    )
    return prepared.fit(
        draws=draws,
        tune=tune,
        chains=chains,
        target_accept=target_accept,
        random_seed=random_seed,
        thin=thin,
        cores=cores,
        progressbar=progressbar,
    )
