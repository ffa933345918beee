"""Reads pytest's reports in CI: tests of the browser, NVML and real jobs must have run, not been skipped.

`python -m dcportal.operations.skips REPORT.xml ...`; exit code 1 and their names when some were skipped.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

#: Parts of a test's module path that CI exists for. A GPU is not among them: CI machines have none.
MUST_RUN = ("e2e", "nvml", "boundaries", "engines", "tests.trainer")


def skipped(report: Path) -> Iterator[tuple[str, str]]:
    """(test, reason) of every skipped test."""
    for case in ElementTree.parse(report).iter("testcase"):
        found = case.find("skipped")
        if found is not None:
            yield f"{case.get('classname')}::{case.get('name')}", found.get("message", "")


def is_missed(test: str, reason: str) -> bool:
    """A skip that must not happen; those for want of a GPU may."""
    return any(part in test for part in MUST_RUN) and "gpu" not in reason.lower()


def count_of(report: Path) -> int:
    return sum(1 for _ in ElementTree.parse(report).iter("testcase"))


def main(reports: list[str]) -> int:
    missed = []
    for name in reports:
        report = Path(name)
        found = list(skipped(report))
        missed += [f"{test}: {reason}" for test, reason in found if is_missed(test, reason)]
        sys.stdout.write(f"{report.name}: {count_of(report)} tests, {len(found)} skipped\n")
    for line in missed:
        sys.stdout.write(f"must not be skipped here: {line}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
