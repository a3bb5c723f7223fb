"""Seconds from process start to ``import hillfront``, ``hillfront --help`` and the first public names.

Each is the median of several new processes, with the fastest and the slowest; run it on an idle machine.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python alone": ["-c", "pass"],
    "import hillfront": ["-c", "import hillfront"],
    "hillfront --help": ["-m", "hillfront", "--help"],
    "hillfront fit --help": ["-m", "hillfront", "fit", "--help"],
    "from hillfront import Frontiers": ["-c", "from hillfront import Frontiers"],
    "from hillfront import fit": ["-c", "from hillfront import fit"],
}


def seconds(arguments: list[str]) -> float:
    """Run Python with these arguments, and wait for it to end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print the median and the range of each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    for name, arguments in COMMANDS.items():
        seconds(arguments)  # reads the files once, so that the disk does not count
        times = [seconds(arguments) for _ in range(options.repeats)]
        print(f"{name}: {statistics.median(times):.2f} s [{min(times):.2f}, {max(times):.2f}]")


if __name__ == "__main__":
    main()
