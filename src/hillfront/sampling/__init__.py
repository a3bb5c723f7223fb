"""Sampling of the posterior: initial values, parameterization, the run of nutpie, and the PyMC sampler.

Nothing here changes what is sampled. :mod:`hillfront.sampling.compiled` has the same density, compiled once.
"""
