"""Sampling of the posterior: initial values, parameterization, nutpie's run, and the PyMC sampler.

Nothing here changes what is sampled. :mod:`hillfront.sampling.compiled` has the same density, compiled
once.
"""
