"""Readers of the formats that evaluations of SAEs come in, each to the one table that `Frontiers` checks.

One module a format. A reader names columns and rows; it judges no number.
"""
