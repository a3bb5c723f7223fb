"""Write docs/benchmarks.md from the records of a work folder; ``make bench`` measures them first."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cases import CASES, POINTS, curves_case
from benchmarks.cold_start import comparison_rows
from benchmarks.contest import HILLFRONT, RIVALS, settings_key
from benchmarks.records import Record, ratio_of, read_records, select, spread_of
from benchmarks.same_posterior import BOUND, EXPECTED_BEYOND
from benchmarks.sampling import DESIGNS, setting_rows
from benchmarks.scale import SIZES, slope_of
from hillfront.studies.markdown import Report

__all__ = ["losses", "page"]

_COSTS = {"to_table": "time to the table", "wall": "whole time", "peak_mib": "peak memory"}
_CACHES = {
    "warm": "caches as earlier runs left them",
    "empty": "empty caches, as on a machine that never compiled anything",
}


def page(records: Sequence[Record]) -> str:
    """Write the page, of whatever was measured.

    Raises
    ------
    ValueError
        Without records, or with those of several machines: their ratios would mean nothing.
    """
    if not records:
        raise ValueError(
            "There are no records to write of. Run `make bench`, or a benchmark by itself, first."
        )
    machines = {json.dumps(record["machine"], sort_keys=True) for record in records}
    if len(machines) > 1:
        raise ValueError(
            f"The records are of {len(machines)} machines: {'; '.join(sorted(machines))}. Keep those of one "
            "in the work folder."
        )
    report = Report("Benchmarks")
    report.paragraph(
        """Medians of repeats with the least and the greatest in brackets. Ratios are taken repeat by repeat,
        between runs that followed each other; `once` marks what was measured once. `make bench` measures and
        writes all of it, or what its records lack."""
    )
    report.items(_circumstances(records))
    report.heading("Where hillfront loses")
    lost = losses(records)
    report.items(lost)
    if not lost:
        report.paragraph("Nowhere among what was measured here.")
    for section in (_cold_start, _startup, _refit, _same_posterior, _scale, _sampling):
        section(report, records)
    return report.text()


def losses(records: Sequence[Record]) -> list[str]:
    """Every rival that was better than hillfront at something in the median, in words."""
    found = []
    for here in _contests([record for record in records if "rival" in record]):
        case, cache = here[0]["case"], here[0]["cache"]
        ours = select(here, rival=HILLFRONT)
        for rival in RIVALS:
            own = select(here, rival=rival)
            if rival == HILLFRONT:
                continue
            for field, words in _COSTS.items():
                ratio = ratio_of(own, ours, field)
                if ratio.n and ratio.median < 1.0:
                    found.append(f"{rival} on {case}, {cache} caches: {ratio} of hillfront's {words}.")
            ratio = ratio_of(own, ours, "ess_per_second")
            if ratio.n and ratio.median > 1.0:
                found.append(f"{rival} on {case}, {cache} caches: {ratio} times hillfront's ESS a second.")
    return found


def _contests(records: Sequence[Record]) -> list[list[Record]]:
    """Return records that may be compared with each other: of one case, under the same options."""
    found: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        key = (record["benchmark"], record["case"], *settings_key(record))
        found.setdefault(key, []).append(record)
    return list(found.values())


def _circumstances(records: Sequence[Record]) -> list[str]:
    machine = records[0]["machine"]
    versions: dict[str, dict[str, None]] = {}
    for record in records:
        for name, number in record["versions"].items():
            versions.setdefault(name, {})[number] = None
    dates = sorted({record["date"] for record in records})
    return [
        f"Machine: {machine['cores']} cores, {machine['processor']}, {machine['memory_gib']} GiB.",
        f"Versions: {', '.join(f'{name} {" and ".join(own)}' for name, own in sorted(versions.items()))}.",
        f"Measured: {dates[0]}{'' if len(dates) == 1 else f' to {dates[-1]}'}.",
    ]


def _cold_start(report: Report, records: Sequence[Record]) -> None:
    found = select(records, benchmark="cold_start")
    if not found:
        return
    report.heading("From the start of the process to the table of gains")
    report.items(f"**{rival}**: {words}." for rival, words in RIVALS.items() if select(found, rival=rival))
    report.paragraph(
        """Peak memory is that of the largest process of a run; PyMC's NUTS samples in several at once and
        needs more than stands here. ESS is the smallest bulk one of all gains, in each setting and on
        average, over the seconds to the table. Rivals end with their table; hillfront's checks of the fit
        come before it, and its figures and the saved fit after it, both of which the rivals do not make. Its
        phases are from a second run, with a stopwatch."""
    )
    for here in _contests(found):
        first = here[0]
        report.paragraph(
            f"{CASES[first['case']]}; {_CACHES[first['cache']]}; {first['chains']} chains of "
            f"{first['tune']} + {first['draws']}:"
        )
        report.table(
            (
                "rival",
                "seconds to the table",
                "times hillfront's",
                "seconds in all",
                "MiB",
                "times hillfront's",
                "ESS/s",
                "hillfront's ESS/s, times its own",
                "phases, seconds",
                "divergences",
                "R-hat",
            ),
            comparison_rows(here),
        )


def _startup(report: Report, records: Sequence[Record]) -> None:
    found = select(records, benchmark="startup")
    if not found:
        return
    report.heading("Start-up")
    report.paragraph(
        """New processes that only import. No fit that reads its table by pandas and samples by nutpie, which
        imports ArviZ, is done sooner than these alone; hillfront starts its chains before ArviZ is there."""
    )
    report.table(
        ("command", "seconds"),
        [
            (f"`{command}`", spread_of(r["seconds"] for r in select(found, command=command)))
            for command in dict.fromkeys(record["command"] for record in found)
        ],
    )


def _refit(report: Report, records: Sequence[Record]) -> None:
    found = select(records, benchmark="refit")
    if not found:
        return
    report.heading("First fit and refits")
    report.paragraph(
        """One pair of 4-point curves: from the start of a process to the tables, and again to other data of
        the same shape in the same process (the median of 20)."""
    )
    rows = []
    for cache in dict.fromkeys(record["cache"] for record in found):
        own = select(found, cache=cache)
        cells = (spread_of(r[field] for r in own) for field in ("first", "refit", "ratio"))
        rows.append((_CACHES[cache], *cells))
    report.table(("caches", "first fit, seconds", "refit, seconds", "times faster"), rows)


def _same_posterior(report: Report, records: Sequence[Record]) -> None:
    found = select(records, benchmark="same_posterior")
    if not found:
        return
    report.heading("The same posterior")
    report.paragraph(
        f"""Median and both ends of every row of the improvement table, against a reference model that states
        the same priors and likelihood plainly: differences in combined Monte Carlo standard errors. Of exact,
        independent samplers {EXPECTED_BEYOND:.2%} lie beyond {BOUND:g}."""
    )
    rows = []
    for case in dict.fromkeys(record["case"] for record in found):
        own = select(found, case=case)
        total = sum(r["compared"] for r in own)
        worst = max(own, key=lambda r: r["largest"])
        rows.append(
            (
                CASES[case],
                len(own),
                total,
                f"{sum(r['beyond'] for r in own)} ({EXPECTED_BEYOND * total:.1f})",
                spread_of(r["root_mean_square"] for r in own),
                f"{worst['largest']:.2f}: {worst['worst']}",
            )
        )
    report.table(
        ("data", "seeds", "compared", f"beyond {BOUND:g} (expected)", "root mean square", "largest"), rows
    )


def _scale(report: Report, records: Sequence[Record]) -> None:
    found = select(records, benchmark="scale")
    if not found:
        return
    report.heading("A thousand curves")
    for sampler_options in dict.fromkeys(map(settings_key, found)):
        own = [record for record in found if settings_key(record) == sampler_options]
        cache = own[0]["cache"]
        report.paragraph(f"Simulated curves of {POINTS} points, process start to tables; {_CACHES[cache]}:")
        rows = []
        for size in SIZES:
            here = select(own, case=curves_case(size))
            for rival in RIVALS:
                runs = select(here, rival=rival)
                if runs:
                    cells = (spread_of(r.get(f) for r in runs) for f in ("wall", "peak_mib", "ess", "rhat"))
                    ratio = ratio_of(runs, select(here, rival=HILLFRONT), "wall")
                    divergences = ", ".join(str(r.get("divergences", "")) for r in runs)
                    rows.append((size, rival, *cells, divergences, ratio))
        report.table(
            (
                "curves",
                "rival",
                "seconds",
                "MiB",
                "smallest ESS",
                "R-hat",
                "divergences",
                "seconds, times hillfront's",
            ),
            rows,
        )
        report.paragraph(
            f"Log-log slope of hillfront from 100 curves up: {slope_of(own, 'wall')} in time, "
            f"{slope_of(own, 'peak_mib')} in memory."
        )


def _sampling(report: Report, records: Sequence[Record]) -> None:
    found = select(records, benchmark="sampling")
    if not found:
        return
    report.heading("Sampler sampler_options")
    for case, total in dict.fromkeys((r["case"], r["total"]) for r in found):
        report.paragraph(
            f"{DESIGNS[case]}; {total} draws in all; sampling alone, options without divergences first:"
        )
        report.table(
            (
                "target_accept",
                "mass matrix",
                "chains",
                "ESS/s",
                "times the default's",
                "divergences",
                "R-hat",
                "steps a draw",
            ),
            setting_rows(select(found, case=case, total=total)),
        )


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("bench-work"))
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks.md"))
    options = parser.parse_args()
    options.out.write_text(page(read_records(options.work)), encoding="utf-8")
    print(f"Wrote {options.out}.")


if __name__ == "__main__":
    main()
