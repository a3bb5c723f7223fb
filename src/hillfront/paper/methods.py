"""The methods paragraph: what was fitted, under which priors, by which sampler, and what its checks say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hillfront.diagnostics.run import ESS_PER_CHAIN, RHAT_MAX
from hillfront.estimands.quantities import QUANTITIES, headlines
from hillfront.fits.fitting import FIRST_DRAWS, MOST_DRAWS
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.model.design import Design
from hillfront.paper.latex import latex, tex_number
from hillfront.paper.source import PaperSource
from hillfront.utils.wording import count, percent

__all__ = ["methods_paragraph", "prior_rows"]


def methods_paragraph(source: PaperSource) -> str:
    """Write methods.tex: a paragraph with its citations, which references.bib has."""
    fit = source.fit
    parts = [
        source.warning,
        _data(source),
        _model(fit.design, json.loads(fit.data.attrs["priors"])),
        _sampling(source),
        _reported(source),
    ]
    return source.head("Methods paragraph; needs references.bib.") + "\n".join(p for p in parts if p) + "\n"


def _data(source: PaperSource) -> str:
    frontiers, design = source.fit.frontiers, source.fit.design
    metric = latex(frontiers.metric_label)
    settings = (
        f" in {count(len(design.settings), 'setting')} ({', '.join(map(latex, frontiers.group_columns))})"
        if frontiers.group_columns
        else ""
    )
    what = f"{metric} $y$ (one minus loss recovered)" if frontiers.bounded else f"cost $y$ ({metric})"
    variants = ", ".join(latex(v) for v in design.variants[1:])
    dropped = ""
    if faulty := len(frontiers.dropped):
        were = "was" if faulty == 1 else "were"
        dropped = f" {count(faulty, 'faulty row')} of the table {were} left out."
    return (
        f"We compared {variants} with {latex(design.baseline)} sparse autoencoders (SAEs) by fitting curves "
        f"jointly to all {frontiers.n_curves} frontiers of {what} against sparsity $x = 1/L_0$, "
        f"{len(frontiers)} SAEs{settings}, with hillfront~\\cite{{hillfront}}.{dropped}"
    )


def _model(design: Design, priors: Mapping[str, Any]) -> str:
    family = design.family
    formula = f"${family.latex}$" if family.latex else latex(family.equation)
    limits = sorted({scale.dense for scale in design.scales if scale.dense is not None})
    limit = (
        f", with $1/L_0 - 1/L_{{\\mathrm{{dense}}}}$ in place of $x$ ($L_{{\\mathrm{{dense}}}}$ = "
        f"{', '.join(tex_number(value, digits=6) for value in limits)})"
        if limits
        else ""
    )
    relative = ", $L_0$ counting in shares of $d_{\\mathrm{model}}$" if design.relative_sparsity else ""
    pooled = {
        "partial": "partially pooled over settings",
        "common": "common to all settings",
        "none": "not pooled",
    }
    poolings = "; ".join(
        f"{latex(parameter)} {pooled.get(how) if isinstance(how, str) else f'fixed at {tex_number(how)}'}"
        for parameter, how in design.pool
    )
    known = f" Known standard errors ({latex(', '.join(design.known_errors))}) enter the scatter." * bool(
        design.known_errors
    )
    shared = f" Errors of the {' and '.join(design.shared_errors)} loss are shared within a setting." * bool(
        design.shared_errors
    )
    selected = (
        " The likelihood reckons with the trained SAEs that a selection of Pareto-optimal ones left out."
        * design.selected
    )
    likelihood, of_hits = design.likelihood, family.bounded
    noise = likelihood.latex.format(scale="on the logit scale" if of_hits else "relative to the curve")
    noise += likelihood.latex_of_hits * of_hits
    if (nu := priors.get("nu")) is not None:
        how = "estimated" if isinstance(nu, dict) else f"fixed at {tex_number(nu)}"
        noise += f"; its degrees of freedom were {how}"
    return (
        f"Each frontier is {latex(family.words)}~\\cite{{hf-post}}, {formula}{limit}{relative}. Positions "
        "and slopes have a mean, contrasts between variants, setting effects and variant-by-setting "
        f"interactions ({poolings}). We assumed {noise}.{known}{shared}{selected} "
        "Priors are weakly informative (Table~\\ref{tab:hf-priors})."
    )


def _sampling(source: PaperSource) -> str:
    fit = source.fit
    sampler = fit.sampler_options
    versions = json.loads(fit.data.attrs["versions"])
    checks = {check.name: check for check in source.diagnostics.checks}
    said: list[tuple[str, Callable[[float], str]]] = [
        ("divergences", lambda v: f"{v:.0f} divergent transitions"),
        ("R-hat", lambda v: f"a largest $\\widehat{{R}}$ of {tex_number(v, digits=4)}~\\cite{{hf-rhat}}"),
        ("ESS bulk", lambda v: f"a smallest bulk effective sample size of {v:.0f}"),
        ("ESS tail", lambda v: f"a smallest tail effective sample size of {v:.0f}"),
        ("E-BFMI", lambda v: f"a smallest E-BFMI of {tex_number(v)}"),
    ]
    found = [
        text(checks[name].value) for name, text in said if name in checks and np.isfinite(checks[name].value)
    ]
    cited = {"pymc", "nutpie", "arviz"}
    software = ", ".join(
        f"{name} {latex(str(versions[key]))}{rf'~\cite{{hf-{key}}}' * (key in cited)}"
        for name in ("hillfront", "PyMC", "nutpie", "ArviZ", "Python")
        if (key := name.lower()) in versions
    )
    return (
        f"We sampled the posterior by NUTS~\\cite{{hf-nuts}}: {count(sampler['chains'], 'chain')} of "
        f"{sampler['draws']} draws after {sampler['tune']} of tuning{_chosen(sampler)}, target acceptance "
        f"{sampler['target_accept']:g}, seed {sampler['random_seed']}. The checks gave "
        f"{', '.join(found)}; all are in Table~\\ref{{tab:hf-diagnostics}}, leave-one-out predictions by "
        f"Pareto-smoothed importance sampling among them~\\cite{{hf-loo,hf-psis}}. Software: {software}."
    )


def _chosen(sampler: Mapping[str, Any]) -> str:
    """Say how the number of draws was chosen, where the checks of convergence chose it."""
    if not sampler.get("draws_chosen"):
        return ""
    return (
        f" (doubled from {FIRST_DRAWS}, up to {MOST_DRAWS}, until $\\widehat R\\le {RHAT_MAX}$ and the "
        f"effective sample sizes were at least {ESS_PER_CHAIN} a chain)"
    )


def _reported(source: PaperSource) -> str:
    metric = latex(source.fit.frontiers.metric_label)
    headline = [QUANTITIES[name] for name in headlines()]
    defined = "; the ".join(
        f"{latex(quantity.words)} is {quantity.definition.format(metric=metric, baseline='the baseline')}"
        for quantity in headline
    )
    return (
        f"The {defined}. {'Both' if len(headline) == 2 else 'All'} are computed draw by draw. "
        f"We report posterior medians and equal-tailed {latex(percent(source.prob))} intervals, mark what is "
        "extrapolated, and call a number driven by the prior where power scaling~\\cite{hf-powerscaling} "
        "moves it by the prior as much as by the data. A variant is Pareto-better where its curve lies below "
        "the other over the whole shared range of $L_0$ with a posterior probability of "
        f"{source.threshold:g} or more."
    )


def prior_rows(fit: FrontierFit) -> list[tuple[str, str]]:
    """Name and density of every prior, in LaTeX; a number fixes the parameter."""
    priors: dict[str, Any] = json.loads(fit.data.attrs["priors"])
    return [(rf"\texttt{{{latex(name)}}}", _density(prior)) for name, prior in priors.items()]


def _density(prior: Any) -> str:
    if isinstance(prior, dict) and "dist" in prior:
        arguments = ", ".join(
            f"{latex(str(name))} = {_density(value)}" for name, value in prior.get("kwargs", {}).items()
        )
        return f"{latex(str(prior['dist']))}({arguments})"
    if isinstance(prior, dict):
        return latex(json.dumps(prior))
    return tex_number(float(prior)) if isinstance(prior, (int, float)) else latex(str(prior))
