"""What the closing lines say, and how many threads a test may use."""
import os

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")                        # the same examples in every run

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")                       # two tests run at a time


def pytest_terminal_summary(terminalreporter):
    "The slowest notebooks, and the tables in nbs/results whose code has changed since."
    from results import stale
    reports = [r for key in ("passed", "failed") for r in terminalreporter.stats.get(key, []) if "test_notebook[" in r.nodeid]
    slow = sorted(reports, key=lambda r: -r.duration)[:5]
    if slow:
        names = [f"{r.nodeid.split('[')[1].rstrip(']')} {r.duration:.0f} s" for r in slow]
        terminalreporter.write_line("slowest notebooks: " + ", ".join(names))
    for line in stale():
        terminalreporter.write_line("stale: " + line)


def pytest_report_header():
    data = os.environ.get("INTEREST_TUTORIAL_DATA")
    return "MovieLens: " + (f"read from {data}" if data else "set INTEREST_TUTORIAL_DATA to the folder that holds ml-latest-small; without it its tests are skipped")


@pytest.fixture(scope="session")
def movielens():
    "The real data, or a skip."
    if not os.environ.get("INTEREST_TUTORIAL_DATA"):
        pytest.skip("INTEREST_TUTORIAL_DATA is not set")
    from interest_tutorial.behaviour import load_movielens
    return load_movielens()
