"""What is concluded: gains, verdicts, claims, sensitivity to the prior, predictions, all draw by draw.

Pure functions of posterior draws. How a result is worded or drawn is decided in :mod:`hillfront.text` and
:mod:`hillfront.plots`.
"""
