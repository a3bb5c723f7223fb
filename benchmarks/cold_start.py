"""From the start of a process to the table of gains: hillfront and its rivals, in turns.

Repeats go round all rivals, so that a machine that slows down does so for each of them. Name the rivals,
cases and repeats to run parts alone, with the same --work; what is there is not run again. Run it on an idle
machine.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from benchmarks.cases import CASES
from benchmarks.contest import HILLFRONT, RIVALS, add_options, contest, settings_of
from benchmarks.records import Record, ratio_of, read_records, select, spread_of

__all__ = ["comparison_rows"]

FIELDS = ("to_table", "wall", "peak_mib", "ess_per_second")


def comparison_rows(records: list[Record]) -> list[tuple[str, ...]]:
    """One row a rival, of records of one case under one setting.

    Returns
    -------
    list of tuple of str
        Rival; seconds to the table and their ratio to hillfront's; seconds in all; MiB and their ratio; ESS a
        second and the ratio of hillfront's to it; seconds of each phase; divergences; largest R-hat.
    """
    ours = select(records, rival=HILLFRONT)
    rows = []
    for rival in RIVALS:
        own = select(records, rival=rival)
        if not own:
            continue
        table, wall, memory, ess = (spread_of(record.get(field) for record in own) for field in FIELDS)
        rows.append(
            (
                rival,
                str(table),
                str(ratio_of(own, ours, "to_table")),
                str(wall),
                str(memory),
                str(ratio_of(own, ours, "peak_mib")),
                str(ess),
                str(ratio_of(ours, own, "ess_per_second")),
                _phases(own),
                _counts(own, "divergences"),
                str(spread_of(r.get("rhat") for r in own)),
            )
        )
    return rows


def _phases(records: list[Record]) -> str:
    names = dict.fromkeys(name for record in records for name in record.get("phases", {}))
    medians = ((name, spread_of(r.get("phases", {}).get(name) for r in records).median) for name in names)
    return ", ".join(f"{name} {seconds:.3g}" for name, seconds in medians)


def _counts(records: list[Record], field: str) -> str:
    return ", ".join(str(record[field]) for record in records if field in record)


def main() -> None:
    """Measure what is missing, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    options = parser.parse_args()
    options = settings_of(options)
    for case in options.cases:
        for repeat in range(options.repeats):
            for rival in options.rivals:
                python = options.numpyro_python if rival == "numpyro" else None
                contest("cold_start", case, rival, repeat, options, work=options.work, python=python)
        records = select(
            read_records(options.work),
            benchmark="cold_start",
            case=case,
            **asdict(options),
        )
        print(
            f"{CASES[case]}; {options.cache} caches, {options.chains} chains of {options.tune} + "
            f"{options.draws}"
        )
        for row in comparison_rows(records):
            rival, table, slower, wall, memory, larger, ess, behind, phases, divergences, rhat = row
            print(
                f"  {rival}: {table} s to the table ({slower} times hillfront's), {wall} s in all; "
                f"{memory} MiB ({larger} times); "
                f"{ess} ESS/s of the slowest gain (hillfront {behind} times that); {phases}; "
                f"divergences {divergences}; R-hat {rhat}"
            )


if __name__ == "__main__":
    main()
