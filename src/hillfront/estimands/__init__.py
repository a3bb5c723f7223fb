"""Estimands: gains, verdicts, claims, sensitivity to the prior and predictions, computed draw by draw.

Pure functions of posterior draws. The wording of a result is decided in :mod:`hillfront.text`, its figure
in :mod:`hillfront.plots`.
"""
