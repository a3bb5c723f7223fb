"""Readers of the formats that evaluations of SAEs come in, each to the one table that `Frontiers` checks."""
