"""Checks of a fit, of its sampler and of its model, each with its bound and the next step.

A check is one :class:`Check` and says itself whether it passed; bounds are beside the functions that compute
them. What a failed check does to the exit status is decided in
:mod:`hillfront.cli.app`.
"""
