"""Nonsense for `check` and `set_style`, the states of an exercise, and `load_tensorflow` with a fake. The message of each error is printed."""
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from interest_tutorial.course import check, set_style
from refusals import refused

IS_ONE = ("it is one", lambda a: a == 1)


@pytest.mark.parametrize("call, error, words", [
    (lambda: check(1), ValueError, "at least one condition"),
    (lambda: check(1, lambda a: True), TypeError, "condition"),
    (lambda: check(1, ("a text",)), TypeError, "condition"),
    (lambda: check(1, ("a text", 1)), TypeError, "condition"),
    (lambda: check(1, (1, lambda a: True)), TypeError, "condition"),
    (lambda: check(2, IS_ONE, hint="count", strict=True), AssertionError, "not yet"),
    (lambda: check(None, IS_ONE, strict=True), AssertionError, "not yet"),
    (lambda: set_style(0), ValueError, "got 0"),
    (lambda: set_style("big"), ValueError, "got 'big'"),
    (lambda: set_style(float("nan")), ValueError, "got nan"),
])
def test_nonsense(call, error, words):
    refused(call, error, words)


def fails(answer):
    raise ZeroDivisionError("no")


@pytest.mark.parametrize("answer, test, right", [
    (1, lambda a: a == 1, True),
    (None, lambda a: True, False),
    (2, lambda a: a == 1, False),
    (2, fails, False),
    (np.array([1, 1]), lambda a: a == 1, True),
    (np.array([1, 2]), lambda a: a == 1, False),
    (np.array([]), lambda a: a == 1, False),
    (pd.DataFrame({"a": [1]}), lambda a: a == 1, True),
    (float("nan"), lambda a: a, False),
    (pd.NA, lambda a: a == 1, False),
    ({"k": False}, lambda a: a, False),
    ({0}, lambda a: a, False),
    ("no", lambda a: a, False),
    (len, lambda a: a, False),
])
def test_states(answer, test, right, capsys):
    assert check(answer, ("the condition", test), hint="a hint") is None
    out = capsys.readouterr().out
    assert out.startswith("right" if right else "not yet") and ("a hint" in out) == (not right and answer is not None)


def test_an_interrupt_stops():
    def interrupt(answer):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        check(1, ("a text", interrupt))


FAKE = "import os; os.write(2, b'a log line'); assert 'FAIL' not in os.environ, 'broken'"


@pytest.fixture
def fresh(tmp_path):
    "A function that runs code in a new Python process, where `tensorflow` is a fake that logs; returns its stdout and stderr."
    (tmp_path / "tensorflow.py").write_text(FAKE)
    env = {k: v for k, v in os.environ.items() if k not in ("FAIL", "TF_CPP_MIN_LOG_LEVEL")}
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])

    def run(code, **more):
        code = f"import os, sys\nfrom interest_tutorial.course import load_tensorflow\n{code}"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=env | more)
        return done.stdout.split(), done.stderr
    return run


def test_the_fake_writes_a_log_line(fresh):
    assert fresh("import tensorflow; os.write(2, b' after')") == ([], "a log line after")


def test_tensorflow_loads_in_silence(fresh):
    code = "print(load_tensorflow() is load_tensorflow() is sys.modules['tensorflow']); os.write(2, b'after')"
    assert fresh(code) == (["True"], "after")


@pytest.mark.parametrize("more, level", [({}, "3"), ({"TF_CPP_MIN_LOG_LEVEL": "1"}, "1")])
def test_the_log_level_is_respected(fresh, more, level):
    assert fresh("load_tensorflow(); print(os.environ['TF_CPP_MIN_LOG_LEVEL'])", **more) == ([level], "")


def test_a_failing_import_is_raised_and_the_channel_restored(fresh):
    code = "try: load_tensorflow()\nexcept AssertionError as e: os.write(2, str(e).encode())\nprint('tensorflow' in sys.modules)"
    assert fresh(code, FAIL="1") == (["False"], "broken")


@pytest.mark.parametrize("how", ["os.close(2); sys.stderr = None", "os.close(2)"])
def test_a_closed_channel_stays_closed(fresh, how):
    code = f"{how}\nprint(load_tensorflow().__name__)\ntry: os.fstat(2)\nexcept OSError: print('closed')"
    assert fresh(code)[0] == ["tensorflow", "closed"]


@pytest.mark.parametrize("how", ["sys.stderr = None", "sys.stderr.close()"])
def test_a_missing_or_closed_stderr(fresh, how):
    assert fresh(f"{how}; print(load_tensorflow().__name__); os.write(2, b'after')") == (["tensorflow"], "after")


def test_threads_share_one_import(fresh):
    code = ("from concurrent.futures import ThreadPoolExecutor\n"
            "with ThreadPoolExecutor(4) as pool: print(len({id(m) for m in pool.map(lambda _: load_tensorflow(), range(4))}))\n"
            "os.write(2, b'after')")
    assert fresh(code) == (["1"], "after")
