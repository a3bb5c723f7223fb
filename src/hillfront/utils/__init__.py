"""Helpers that know no SAE: numbers in words, intervals, files, robust least squares.

Import nothing of hillfront here. How a median and an interval are taken, and the default probability, are
in :mod:`~hillfront.utils.intervals`; how a number is printed is in :mod:`~hillfront.utils.wording`. Every
table, figure and sentence follows.
"""
