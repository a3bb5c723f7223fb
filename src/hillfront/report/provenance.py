"""Where a fit comes from: its options, priors, versions, the code that makes it again, and what to cite."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from hillfront.datasets import load_dataset
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import Frontiers
from hillfront.report.tables import Table, table_of_pairs

__all__ = [
    "POST",
    "TITLE",
    "Citation",
    "citations_of",
    "code_of",
    "options_table",
    "packaged_source",
    "priors_table",
    "versions_of",
    "versions_table",
]

TITLE: Final = "hillfront: Bayesian Hill-curve comparison of sparse-autoencoder sparsity-fidelity frontiers"
POST: Final = "How to Better Report Sparse Autoencoder Performance"
_CLOSE: Final = 1e-4
"""Tables print loss recovered with four decimals."""


def versions_of(fit: FrontierFit) -> dict[str, str]:
    """Return the versions that the fit was made with."""
    versions: dict[str, str] = json.loads(fit.data.attrs["versions"])
    return versions


def options_table(fit: FrontierFit, *, source: str) -> Table:
    """List the options of model and sampler, the hash of the data, and when the fit was made."""
    design, attrs = fit.design, fit.data.attrs
    pairs = {
        "saved fit": source,
        "fitted at": str(attrs.get("created", "")),
        "SHA-256 of the data": str(attrs["data_hash"]),
        "baseline": fit.baseline,
        "curve family": design.curve,
        "equation": design.family.equation,
        "noise": design.noise,
        "what is fitted": fit.frontiers.metric_label,
        "position measured at": f"hit_ref {design.hit_ref:g}",
        **{f"pooling of {name}": str(how) for name, how in design.pool},
        "dense limit": "none" if design.dense_limit is None else str(design.dense_limit),
        "relative sparsity": "yes" if design.relative_sparsity else "no",
        "known errors": ", ".join(design.known_errors) or "none",
        "corrected for a selection": "yes" if design.selected else "no",
        **{
            name.replace("_", " "): f"{value:g}" if isinstance(value, float) else str(value)
            for name, value in fit.sampler_options.items()
        },
    }
    return table_of_pairs(
        {name: value for name, value in pairs.items() if value},
        name="options",
        caption="Options of the model and the sampler.",
        headings=("option", "value"),
    )


def priors_table(fit: FrontierFit) -> Table:
    """List every prior, as it was used."""
    priors = {
        name: f"fixed at {prior:g}" if isinstance(prior, (int, float)) else _prior(prior)
        for name, prior in json.loads(fit.data.attrs["priors"]).items()
    }
    caption = "Priors, on the scales that are sampled."
    return table_of_pairs(priors, name="priors", caption=caption, headings=("parameter", "prior"))


def versions_table(fit: FrontierFit) -> Table:
    """Return the versions that the fit was made with."""
    caption = "Versions that the fit was made with."
    return table_of_pairs(versions_of(fit), name="versions", caption=caption, headings=("package", "version"))


def _prior(prior: Any) -> str:
    if isinstance(prior, Mapping):
        kwargs = ", ".join(f"{name}={_prior(value)}" for name, value in prior.get("kwargs", {}).items())
        return f"{prior.get('dist', '')}({kwargs})"
    return f"{prior:.4g}" if isinstance(prior, float) else str(prior)


def code_of(fit: FrontierFit) -> str:
    """Python that repeats the fit from the same table."""
    design = fit.design
    options = {
        "baseline": fit.baseline,
        "curve": design.curve,
        "noise": design.noise,
        "pool": design.pooling,
        "hit_ref": design.hit_ref,
        "dense_limit": design.dense_limit,
        "relative_sparsity": design.relative_sparsity,
        # With the draws fixed, the fit is the same to the last bit.
        **{name: value for name, value in fit.sampler_options.items() if name != "draws_chosen"},
    }
    lines = [f"    {name}={value!r}," for name, value in options.items()]
    columns = list(fit.frontiers.group_columns)
    given = f"cost={fit.frontiers.metric_label!r}" if not fit.frontiers.bounded else ""
    arguments = ", ".join(part for part in ("table", f"group={columns!r}" if columns else "", given) if part)
    return "\n".join(
        [
            "import hillfront as hf",
            "",
            "# priors: the defaults, or those of the table of priors; check the hash of the data",
            f"frontiers = hf.Frontiers.from_frame({arguments})",
            "fit = hf.fit(",
            "    frontiers,",
            *lines,
            ")",
            f"assert frontiers.data_hash == {str(fit.data.attrs['data_hash'])!r}",
        ]
    )


@dataclass(frozen=True)
class Citation:
    """A source, and what it is cited for."""

    what: str
    text: str


def citations_of(frontiers: Frontiers, *, version: str) -> tuple[Citation, ...]:
    """List what a user of the result cites."""
    found = [
        Citation("The software", f"hillfront developers. {TITLE}. Version {version}."),
        Citation("The idea of reporting Hill parameters", f"The post “{POST}”."),
    ]
    source = packaged_source(frontiers)
    if source:
        found.append(Citation("The data", source))
    return tuple(found)


def packaged_source(frontiers: Frontiers) -> str:
    """Citation of the packaged dataset that every row is from, empty if there is none.

    A fit does not say where its table came from, so rows are looked up by variant, L0 and hit.
    """
    if not frontiers.bounded or not len(frontiers):
        return ""
    packaged = load_dataset("gated_sae")
    known = packaged[["variant", "l0", "loss_recovered", "loss_recovered_from_ce"]]
    rows = frontiers.table[["row", "variant", "l0", "performance_hit"]]
    pairs = rows.merge(known, on=["variant", "l0"], how="inner")
    hit = pairs["performance_hit"].to_numpy()
    close = np.zeros(len(pairs), dtype=bool)
    for name in ("loss_recovered", "loss_recovered_from_ce"):
        close |= np.abs(1.0 - pairs[name].to_numpy() - hit) <= _CLOSE
    if not set(rows["row"]) <= set(pairs.loc[close, "row"]):
        return ""
    return f"{packaged.attrs['citation']} ({packaged.attrs['source']}; {packaged.attrs['licence']})"
