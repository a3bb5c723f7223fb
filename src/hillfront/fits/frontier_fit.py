"""A finished fit: the posterior with its data, and everything that is asked of it."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from hillfront.diagnostics.model_checks import Check, LeaveOneOut, leave_one_out
from hillfront.diagnostics.run import Diagnostics, convergence_of, diagnostics_of
from hillfront.estimands.improvement import Improvement, improvement_of
from hillfront.estimands.pareto import DEFAULT_THRESHOLD, Pareto, headline_table, pareto_of
from hillfront.estimands.predict import predict_curves
from hillfront.estimands.prior_sensitivity import sensitivity_of
from hillfront.estimands.quantities import DEFAULT_AT_L0
from hillfront.fits.storage import by_group_columns, read_tree, write_tree
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.model.priors import priors_from_json
from hillfront.model.pymc_model import model_of_posterior
from hillfront.utils.interface import as_shown, by_interface, for_objects, listed
from hillfront.utils.intervals import DEFAULT_PROB
from hillfront.utils.tables import TextTable

if TYPE_CHECKING:
    import pymc as pm

    from hillfront.estimands.claims import ClaimCheck

__all__ = ["FrontierFit"]


@for_objects("hf.fit(frontiers, baseline=...)")
@dataclass(frozen=True)
class FrontierFit:
    """A fit of Hill curves, or another family, to frontiers.

    Made by :func:`hillfront.fit`, by ``prepare(...).fit(...)`` or by :meth:`load`.

    Attributes
    ----------
    data : xarray.DataTree
        Groups posterior, sample_stats, prior, prior_predictive, posterior_predictive, log_likelihood,
        log_prior (of the top-level priors), where the table has ``n_trained`` also posterior_uncorrected and
        log_selection, observed_data, constant_data and frontiers (the table itself);
        versions, seed, options, priors and the data's hash are in its attributes. ArviZ reads it as it is.
    """

    data: xr.DataTree

    @cached_property
    def frontiers(self) -> Frontiers:
        """The data that were fitted."""
        return Frontiers.from_dataset(self.data["frontiers"].to_dataset())

    @cached_property
    def design(self) -> Design:
        """Variants, settings, curve family and pooling."""
        return Design.from_json(self.data.attrs["design"])

    @cached_property
    def model(self) -> pm.Model:
        """The PyMC model with the data that were fitted, for PyMC's own tools.

        ``pm.sample_posterior_predictive(fit.data, model=fit.model)`` and
        ``pm.compute_log_likelihood(fit.data, model=fit.model)`` give what the fit holds. Raises a ValueError
        for a posterior of format 1 that lacks a free variable, which PyMC would draw from its prior.
        """
        priors = priors_from_json(json.loads(self.data.attrs["priors"]))
        return model_of_posterior(*self._fitted, priors=priors)

    @cached_property
    def posterior(self) -> xr.Dataset:
        """Posterior draws, dims (chain, draw, ...), with the group columns along the settings.

        So ``fit.posterior.sel(site="resid")`` and ``fit.posterior.groupby("site")`` work; labels are text.
        ArviZ reads ``fit.data``, which has the same draws without these coordinates. A group column whose
        name the draws use themselves is not among them, and a warning says so.
        """
        return by_group_columns(self._posterior, self.frontiers)

    @cached_property
    def prior(self) -> xr.Dataset:
        """Prior draws of the same variables, as :attr:`posterior`; empty if every parameter is fixed."""
        prior = self.data["prior"].to_dataset() if "prior" in self.data else xr.Dataset()
        return by_group_columns(prior, self.frontiers)

    @property
    def sampler_options(self) -> dict[str, Any]:
        """Options of the sampler, ``random_seed`` among them."""
        return dict(json.loads(self.data.attrs["sampler_options"]))

    @property
    def baseline(self) -> str:
        """The variant that the others are compared with."""
        return self.design.baseline

    @cached_property
    def _posterior(self) -> xr.Dataset:
        return self.data["posterior"].to_dataset()

    @property
    def _fitted(self) -> tuple[xr.Dataset, Frontiers, Design]:
        return self._posterior, self.frontiers, self.design

    @property
    def _seed(self) -> int:
        return int(self.sampler_options["random_seed"])

    @cached_property
    def _sensitivities(self) -> dict[Hashable, pd.DataFrame]:
        # By the hits, L0 and nats of a table, so that asking again costs nothing.
        return {}

    @cached_property
    def _convergence(self) -> tuple[Check, ...]:
        return convergence_of(*self._fitted, random_seed=self._seed)

    @cached_property
    def _diagnostics(self) -> Diagnostics:
        return diagnostics_of(
            self.data,
            self.frontiers,
            self.design,
            convergence=self._convergence,
            loo=self.loo,
            random_seed=self._seed,
        )

    @cached_property
    def loo(self) -> LeaveOneOut | None:
        """Leave-one-out importance weights' tails and predictions; None with too few draws."""
        return leave_one_out(self.data)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Notes that head every summary: failed diagnostics, then the data's warnings."""
        failed = tuple(f"DIAGNOSTIC FAILED: {check}" for check in self._diagnostics.failed)
        dropped = len(self.frontiers.dropped)
        record = by_interface("frontiers.dropped", "dropped.csv")
        rows = (f"{dropped} faulty rows were dropped (see {record}).",) if dropped else ()
        alone = f"Only one variant, {self.baseline!r}: there is nothing to compare it with."
        nothing = (alone,) if len(self.design.variants) == 1 else ()
        return (*failed, *nothing, *rows, *(f"Warning: {as_shown(text)}" for text in self.frontiers.warnings))

    def improvement(
        self,
        *,
        prob: float = DEFAULT_PROB,
        at_hit: float | Sequence[float] | None = None,
        at_l0: float | Sequence[float] = DEFAULT_AT_L0,
        at_nats: float | Sequence[float] = (),
    ) -> Improvement:
        """Compare each variant with the baseline by improvement factors.

        Parameters
        ----------
        prob : float
            Probability of the equal-tailed intervals.
        at_hit : sequence of float, optional
            Performance hits at which to give the ``sparsity_gain``: 0.02, 0.05 and 0.1 by default. For a
            cost, its values, none by default, as they have units of their own.
        at_l0 : sequence of float
            L0 values at which to give the ``hit_reduction``.
        at_nats : sequence of float
            Loss differences, in nats, at which to give the gain (``sparsity_gain_nats``). They need the
            columns ``ce_base`` and ``ce_ablated``, and do not depend on whether the ablation is by mean or
            by zero.

        Returns
        -------
        Improvement
            ``mean_sparsity_gain`` and ``mean_hit_reduction``, the headline figures, over the range that both
            frontiers observed; the gains asked for; and the ratios of the curves' parameters.
            All are above 1 where the variant is better, apart from ``k_ratio``, which only describes the
            shape. Empty with a single variant. ``prior_driven`` marks what changes with the prior; it is
            False throughout in a fit that was saved by a version without log_prior.

        Raises
        ------
        ValueError
            For a probability or a hit outside (0, 1), an L0 or a loss difference that is not positive, or
            ``at_nats`` without the losses.
        """
        at = {"at_hit": at_hit, "at_l0": at_l0, "at_nats": at_nats}
        positions = tuple(None if values is None else listed(values) for values in at.values())

        def sensitivity(draws: xr.Dataset) -> pd.DataFrame:
            if positions not in self._sensitivities:
                self._sensitivities[positions] = sensitivity_of(self.data, draws)
            return self._sensitivities[positions].copy()

        options: dict[str, Any] = {"notes": self.notes, "sensitivity": sensitivity, "prob": prob, **at}
        return improvement_of(*self._fitted, random_seed=self._seed, **options)

    def selection(
        self,
        *,
        prob: float = DEFAULT_PROB,
        at_hit: float | Sequence[float] | None = None,
        at_l0: float | Sequence[float] = DEFAULT_AT_L0,
        at_nats: float | Sequence[float] = (),
    ) -> pd.DataFrame:
        """Tabulate every improvement factor with and without the correction for a Pareto selection.

        Parameters
        ----------
        prob, at_hit, at_l0, at_nats
            As for :meth:`improvement`.

        Returns
        -------
        pandas.DataFrame
            See :func:`hillfront.estimands.selection.selection_table`.

        Raises
        ------
        ValueError
            If the table did not say how many SAEs were trained.
        """
        from hillfront.estimands.selection import selection_table, uncorrected_of

        at: dict[str, Any] = {"at_hit": at_hit, "at_l0": at_l0, "at_nats": at_nats, "prob": prob}
        uncorrected = uncorrected_of(self.data, self.design)
        without = improvement_of(uncorrected, self.frontiers, self.design, random_seed=self._seed, **at)
        return selection_table(self.improvement(**at), without)

    def pareto(self, *, threshold: float = DEFAULT_THRESHOLD, margin: float = 1.0) -> Pareto:
        """Judge whether each variant's curve lies below the baseline's over their whole shared range.

        Parameters
        ----------
        threshold : float
            Probability from which on the verdict is ``better``, ``worse`` or ``crossing``.
        margin : float
            Smallest sparsity gain worth having: with 1.1, a variant is better only if it needs 1.1 times
            fewer active latents everywhere, and worse only if it needs 1.1 times more.

        Returns
        -------
        Pareto
        """
        return pareto_of(
            *self._fitted, threshold=threshold, margin=margin, random_seed=self._seed, notes=self.notes
        )

    def check_claim(
        self,
        quantity: str,
        *,
        low: float | None = None,
        high: float | None = None,
        at: float | None = None,
        setting: str | None = None,
        variant: str | None = None,
    ) -> ClaimCheck:
        """Compute how probable a claim is: "k falls by 1.2 to 1.4", "a gain of at least 2.7".

        Parameters
        ----------
        quantity : str
            One of the quantities of :meth:`improvement`, such as ``sparsity_gain`` or ``k_ratio``.
        low, high : float, optional
            Bounds of the claim, ends included. At least one.
        at : float, optional
            The hit of a ``sparsity_gain``, or the L0 of a ``hit_reduction``; the others have none.
        setting : str, optional
            Label of a setting, or ``"new_setting"``; the average over the settings if left out.
        variant : str, optional
            May be left out where the baseline is compared with only one.

        Returns
        -------
        ClaimCheck
            The posterior probability of the claim, what it rests on and, for a ``sparsity_gain``, the hits at
            which it holds. Printed, it is a sentence or two.

        Raises
        ------
        ValueError
            For an unknown quantity, setting or variant, or ``at`` or bounds that are missing or wrong.
        """
        from hillfront.estimands.claims import check_claim_of

        return check_claim_of(
            *self._fitted,
            quantity,
            low=low,
            high=high,
            at=at,
            setting=setting,
            variant=variant,
            random_seed=self._seed,
            notes=self.notes,
            sensitivity=partial(sensitivity_of, self.data),
        )

    def diagnostics(self) -> Diagnostics:
        """Check the sampler and the model's fit to the data, each check with what to do if it failed."""
        return self._diagnostics

    def predict(
        self,
        *,
        l0: ArrayLike | None = None,
        variants: str | Sequence[str] | None = None,
        settings: str | Sequence[str] | None = None,
    ) -> xr.Dataset:
        r"""Predict the curves, and the hits of SAEs yet to be trained, along a grid of L0.

        The expectation is the curve, ``f(x) = x^k / (x^k + x_half^k)`` in the Hill family with ``x = 1/L0``;
        a predictive draw adds the scatter of one more SAE, ``y ~ StudentT(nu, f(x), s)`` with ``s^2 = (sigma
        f (1 - f))^2 + tau^2``, or whatever the fit's likelihood is.

        Parameters
        ----------
        l0 : array-like, optional
            Mean active latents per token, positive and below any dense limit. By default 50 values, evenly
            spaced in log L0, over the range of the table.
        variants, settings : sequence of str, optional
            Which curves; all of them by default.

        Returns
        -------
        xarray.Dataset
            ``expectation`` and ``predictive``, dims (setting, variant, l0, chain, draw), in units of y.

        Raises
        ------
        ValueError
            For an L0 that is not positive or reaches the dense limit, or an unknown variant or setting.

        Examples
        --------
        >>> import hillfront as hf
        >>> frontiers = hf.simulate(points=6, random_seed=1).frontiers
        >>> fit = hf.fit(frontiers, baseline="baseline", draws=100, tune=200, progressbar=False)
        >>> predicted = fit.predict(variants=["variant"])
        >>> dict(predicted["predictive"].sizes)
        {'setting': 1, 'variant': 1, 'l0': 50, 'chain': 4, 'draw': 100}
        """
        if l0 is None:
            observed = self.frontiers.table["l0"]
            l0 = np.geomspace(observed.min(), observed.max(), 50)
        asked: dict[str, Any] = {"l0": l0, "variants": variants, "settings": settings}
        return predict_curves(self._posterior, self.design, random_seed=self._seed, **asked)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the fit to a NetCDF file that :meth:`load`, ArviZ and xarray open.

        Raises
        ------
        FileExistsError
            If the file is there and ``overwrite`` is False.
        """
        return write_tree(self.data, Path(path), overwrite=overwrite)

    @classmethod
    def load(cls, path: str | Path) -> FrontierFit:
        """Read a fit back; its tables are those of the fit that was saved, to the last bit.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file was not written by :meth:`save`.
        """
        return cls(read_tree(Path(path)))

    def __repr__(self) -> str:
        """Say what was fitted and whether it can be relied on, above the headline gains and verdicts."""
        return f"{self._heading()}\n{self._headlines().text()}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._heading())}</p>{self._headlines().html()}"

    def _headlines(self) -> TextTable:
        return headline_table(self.improvement(), self.pareto())

    def _heading(self) -> str:
        design, sizes = self.design, self._posterior.sizes
        return (
            f"FrontierFit({design.curve}, baseline {design.baseline!r}, {len(design.variants)} variants x "
            f"{len(design.settings)} settings, {len(self.frontiers)} SAEs, {sizes['chain'] * sizes['draw']} "
            f"draws; {self._diagnostics.state})"
        )
