"""Nonsense for `check` and `set_style`, and the states of an exercise. The message of each error is printed."""
import numpy as np
import pandas as pd
import pytest

from interest_tutorial.course import check, set_style

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
    with pytest.raises(error) as caught:
        call()
    print(f"{error.__name__}: {caught.value}")
    assert words in str(caught.value)


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
    (len, lambda a: a, False),
])
def test_states(answer, test, right, capsys):
    assert check(answer, ("the condition", test), hint="a hint") is None
    out = capsys.readouterr().out
    assert out.startswith("right" if right else "not yet") and ("a hint" in out) != right


def test_an_interrupt_stops():
    def interrupt(answer):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        check(1, ("a text", interrupt))
