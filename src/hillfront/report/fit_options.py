"""How a fit was made: sampler_options, priors, versions, and the code that makes it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hillfront.fits.frontier_fit import FrontierFit
from hillfront.report.tables import Table, text

__all__ = ["code_of", "options_table", "priors_table", "versions_of", "versions_table"]


def versions_of(fit: FrontierFit) -> dict[str, str]:
    """Versions that the fit was made with."""
    versions: dict[str, str] = json.loads(fit.data.attrs["versions"])
    return versions


def options_table(fit: FrontierFit, *, source: str) -> Table:
    """Model and sampler sampler_options, the hash of the data, and when the fit was made."""
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
    rows = tuple((text(name), text(value)) for name, value in pairs.items() if value)
    return Table("sampler_options", "Settings of the model and the sampler.", ("setting", "value"), rows)


def priors_table(fit: FrontierFit) -> Table:
    """Every prior, as it was used."""
    priors = json.loads(fit.data.attrs["priors"])
    rows = tuple(
        (text(name), text(f"fixed at {prior:g}" if isinstance(prior, (int, float)) else _prior(prior)))
        for name, prior in priors.items()
    )
    return Table("priors", "Priors, on the scales that are sampled.", ("parameter", "prior"), rows)


def versions_table(fit: FrontierFit) -> Table:
    """Versions that the fit was made with."""
    rows = tuple((text(name), text(value)) for name, value in versions_of(fit).items())
    return Table("versions", "Versions that the fit was made with.", ("package", "version"), rows)


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
