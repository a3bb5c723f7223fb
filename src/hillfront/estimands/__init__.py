"""Estimands: gains, verdicts, claims, sensitivity to the prior and predictions, computed draw by draw.

Pure functions of posterior draws. The formula of a gain is in :mod:`~hillfront.estimands.ratios`, its entry
and words in :mod:`~hillfront.estimands.quantities`, its table of medians and intervals in
:mod:`~hillfront.estimands.improvement`; verdicts and their words are in :mod:`~hillfront.estimands.pareto`,
the pairs of curves that are compared in :mod:`~hillfront.estimands.comparisons`. The wording of a result is
decided in :mod:`hillfront.text`, its figure in :mod:`hillfront.plots`.
"""
