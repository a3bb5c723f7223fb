"""Helpers that know no SAE: numbers in words, intervals, files, robust least squares.

Import nothing of hillfront here. Change an interval's default in :mod:`~hillfront.utils.intervals`, and how a
number is printed in :mod:`~hillfront.utils.numbers`; every table, figure and sentence follows.
"""
