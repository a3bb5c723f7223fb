"""Readers of the formats that evaluations of SAEs come in, each to the one table that `Frontiers` validates.

One module per format, loaded only for a file of that format, which :mod:`~hillfront.readers.formats` finds. A
reader names columns and rows and judges no number: that is done in :mod:`hillfront.frontiers`. Files that do
not fit their format are all listed in one :class:`~hillfront.readers.json_files.ReadError`.
"""
