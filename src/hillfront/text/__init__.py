"""Results in words: sentences and verdicts, the summary in the terminal, the files of a run.

The sentences about verdicts and gains, for the report and the paper, are in :mod:`~hillfront.text.sentences`;
the terminal's are in :mod:`~hillfront.text.summary`. Numbers are printed by :mod:`hillfront.utils.wording`.
"""
