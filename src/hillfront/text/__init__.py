"""Results in words: sentences and verdicts, the summary in the terminal, the files of a run.

The wording of verdicts and gains is in :mod:`~hillfront.text.sentences`, and the terminal, the report and
the paper all use it. Numbers are printed by :mod:`hillfront.utils.numbers`.
"""
