"""Results as one JSON document, for programs that read the command line."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hillfront import __version__
from hillfront.utils.interface import as_shown

if TYPE_CHECKING:
    from hillfront.diagnostics.run import Diagnostics
    from hillfront.estimands.claims import ClaimCheck
    from hillfront.fits.compare import CurveComparison
    from hillfront.fits.frontier_fit import FrontierFit
    from hillfront.frontiers.table import Frontiers

__all__ = ["claim_document", "comparison_document", "fit_document", "plain", "to_json"]

type Document = dict[str, Any]


def to_json(document: Document) -> str:
    """Write a document as JSON, which has no NaN and no infinities."""
    return json.dumps(plain(document), allow_nan=False, ensure_ascii=False, indent=2)


def plain(value: Any) -> Any:
    """Turn nested values into plain Python: tables into lists of records, NaN and infinities into None.

    Examples
    --------
    >>> import pandas as pd
    >>> plain({"table": pd.DataFrame({"at": [0.5, float("nan")], "n": [1, 2]}), "ok": np.True_})
    {'table': [{'at': 0.5, 'n': 1}, {'at': None, 'n': 2}], 'ok': True}
    """
    if isinstance(value, pd.DataFrame):
        # Not by to_dict, which would make floats of whole numbers beside them.
        columns = [[plain(item) for item in column] for _, column in value.items()]
        return [dict(zip(map(str, value.columns), row, strict=True)) for row in zip(*columns, strict=True)]
    if isinstance(value, Mapping):
        return {str(name): plain(inside) for name, inside in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inside) for inside in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)


def fit_document(command: str, fit: FrontierFit, out: Path, *, asked_at: Mapping[str, Any]) -> Document:
    """Return what ``hillfront fit`` or ``hillfront demo`` found and wrote into a folder.

    ``asked_at`` holds arguments of ``improvement()``, as for `hillfront.text.outputs.write_outputs`.
    """
    diagnostics = fit.diagnostics()
    document: Document = {
        "command": command,
        "hillfront": __version__,
        "versions": json.loads(fit.data.attrs["versions"]),
        "data": _data(fit.frontiers),
        "baseline": fit.baseline,
        "sampler_options": fit.sampler_options,
        "passed": diagnostics.passed,
        "notes": fit.notes,
        "improvement": fit.improvement(**asked_at).summary,
        "pareto": fit.pareto().summary,
        "diagnostics": _checks(diagnostics),
        "dropped": fit.frontiers.dropped,
    }
    if fit.design.selected and document["improvement"].size:
        document["selection"] = fit.selection(**asked_at)
    return document | _written(out)


def comparison_document(comparison: CurveComparison, frontiers: Frontiers, out: Path | None) -> Document:
    """Return what ``hillfront compare`` found and, given a folder, wrote."""
    first = next(iter(comparison.fits.values()))
    return {
        "command": "compare",
        "hillfront": __version__,
        "versions": json.loads(first.data.attrs["versions"]),
        "data": _data(frontiers),
        "baseline": first.baseline,
        "passed": not comparison.failed,
        "failed": comparison.failed,
        "comparison": comparison.summary,
        "gains": comparison.gains,
        "left_out_curves": comparison.curves,
        "diagnostics": {name: _checks(fit.diagnostics()) for name, fit in comparison.fits.items()},
        "dropped": frontiers.dropped,
    } | _written(out)


def claim_document(claim: ClaimCheck, fit: FrontierFit) -> Document:
    """Return what ``hillfront check`` found: fields of the claim, its sentence, and the fit's diagnostics."""
    diagnostics = fit.diagnostics()
    return {
        "command": "check",
        "hillfront": __version__,
        "versions": json.loads(fit.data.attrs["versions"]),
        "passed": diagnostics.passed,
        "claim": {field.name: getattr(claim, field.name) for field in dataclasses.fields(claim)},
        "sentence": claim.sentence,
        "diagnostics": _checks(diagnostics),
    }


def _data(frontiers: Frontiers) -> Document:
    return {
        "saes": len(frontiers),
        "curves": frontiers.n_curves,
        "variants": frontiers.variants,
        "group_columns": frontiers.group_columns,
        "settings": frontiers.settings,
        "metric": frontiers.metric_label,
        "hash": frontiers.data_hash,
        "warnings": [as_shown(text) for text in frontiers.warnings],
    }


def _checks(diagnostics: Diagnostics) -> list[Document]:
    """Return records of the checks, with true, false, or null where one only informs, in place of words."""
    records: list[Document] = plain(diagnostics.summary)
    return [
        record | {"passed": check.passed} for record, check in zip(records, diagnostics.checks, strict=True)
    ]


def _written(out: Path | None) -> Document:
    if out is None:
        return {"out": None, "files": []}
    return {"out": str(out), "files": sorted(str(path) for path in out.iterdir())}
