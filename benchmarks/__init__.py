"""Benchmarks: one script per question, each with its rivals side by side in one run.

Run one as ``python -m benchmarks.cold_start --help``, or all by ``make bench``. Each run adds lines to a work
folder, and what stands there is not measured again, so a benchmark that was stopped goes on.
"""
