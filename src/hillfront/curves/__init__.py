"""Curves ``y = f(x)``: families, their functions and inverses, and the sparsity scale.

Pure functions of arrays, on NumPy and on PyTensor; nothing here knows where data come from or how a curve is
fitted. A new family is one :class:`CurveFamily`, with its equation, words and default priors, given to
:func:`register_family`; those of the families of the package are in ``curves.families``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hillfront.curves.families import FAMILIES, HILL, family_named, register_family
    from hillfront.curves.family import CurveFamily, SampledParameter
    from hillfront.curves.sparsity import Reference

__all__ = [
    "FAMILIES",
    "HILL",
    "CurveFamily",
    "Reference",
    "SampledParameter",
    "family_named",
    "register_family",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'hillfront.curves' has no attribute {name!r}")
    # On first use: modules that need the sparsity scale alone do not wait for SciPy.
    return getattr(importlib.import_module("hillfront.curves.families"), name)
