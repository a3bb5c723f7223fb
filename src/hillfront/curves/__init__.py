"""Curves ``y = f(x)``: families, their functions and inverses, and the sparsity scale.

Pure functions of arrays, on NumPy and on PyTensor. A new family is one object in
:mod:`~hillfront.curves.families`; nothing here knows where data come from or how a curve is fitted.
"""
