"""How the posterior is drawn: initial values, parameterization, nutpie's run, and the PyMC sampler.

Nothing here changes what is sampled. :mod:`hillfront.sampling.compiled` holds the same density compiled once.
"""
