"""Model assumptions: design, priors, likelihood, selection, and the reference statement in PyMC.

A change here changes the posterior, and must be made in :mod:`hillfront.sampling.compiled` too; the tests
hold the two equal. The numbers of the default priors of a curve's parameters, k among them, are in
:mod:`hillfront.curves.families`; those of the scatter, and what a user overrides, in
:mod:`~hillfront.model.priors`. The scatter of an SAE about its curve is in
:mod:`~hillfront.model.likelihood`.
"""
