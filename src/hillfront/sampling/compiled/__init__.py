"""The model's log density and gradient, compiled once on a machine and read from disk afterwards.

The same statement as :mod:`hillfront.model.pymc_model`, for speed alone: change both together.
"""
