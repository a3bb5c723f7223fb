"""Model assumptions: design, priors, likelihood, selection, and the reference statement in PyMC.

A change here changes the posterior, and must be made in :mod:`hillfront.sampling.compiled` too; the tests
hold the two equal. Priors are in :mod:`~hillfront.model.priors`, the scatter of an SAE about its curve in
:mod:`~hillfront.model.likelihood`.
"""
