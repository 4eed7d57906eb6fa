"""Nonsense for the functions of `logistic`, and separable data against an oracle. The message of each error is printed."""
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import linprog
from sklearn.linear_model import LogisticRegression

from interest_tutorial.logistic import fit_logistic, gradient, hessian, log_loss, logit, sigmoid
from refusals import refused

X, y, w = np.array([[0., 1], [1, 0], [2, 1], [3, 3]]), np.array([0, 1, 0, 1]), np.zeros(3)
MIXED = np.array([[0., 2], [2, 0], [2, 1], [1, 3]])                    # no line separates y
NAN = np.array([[0., 1], [1, np.nan], [2, 1], [3, 3]])


@pytest.mark.parametrize("call, error, words", [
    (lambda: sigmoid(None), TypeError, "real numbers"),
    (lambda: sigmoid("1"), TypeError, "real numbers"),
    (lambda: sigmoid(1j), TypeError, "real numbers"),
    (lambda: sigmoid([[1], [1, 2]]), ValueError, "unequal length"),
    (lambda: logit(-0.1), ValueError, "got -0.1"),
    (lambda: logit([0.5, 2]), ValueError, "got 2.0"),
    (lambda: logit(np.nan), ValueError, "got nan"),
    (lambda: log_loss([0, 2], [0, 0]), ValueError, "got 2 at position 1"),
    (lambda: log_loss([0, np.nan], [0, 0]), ValueError, "got nan at position 1"),
    (lambda: log_loss(["0", "1"], [0, 0]), ValueError, "got '0'"),
    (lambda: log_loss([], []), ValueError, "shape"),
    (lambda: log_loss([0, 1], [0]), ValueError, "(2,)"),
    (lambda: log_loss([0, 1], [0, np.nan]), ValueError, "nan at position 1"),
    (lambda: log_loss([0, 1], None), TypeError, "real numbers"),
    (lambda: gradient(w[1:], X, y), ValueError, "bias first"),
    (lambda: gradient(w, X[:, 0], y), ValueError, "(n, d)"),
    (lambda: gradient(w, NAN, y), ValueError, "row 1, column 1"),
    (lambda: gradient(w, X, y[:3]), ValueError, "(4,)"),
    (lambda: gradient(w * np.nan, X, y), ValueError, "w must be finite"),
    (lambda: gradient(w, X, y, l2=-1), ValueError, "got -1"),
    (lambda: gradient(w, X, y, l2="much"), TypeError, "l2"),
    (lambda: hessian(w, X, l2=np.inf), ValueError, "l2"),
    (lambda: hessian(w, X[:0]), ValueError, "n > 0"),
    (lambda: fit_logistic(X, [1, 1, 1, 1]), ValueError, "only 1"),
    (lambda: fit_logistic(NAN, y), ValueError, "row 1, column 1"),
    (lambda: fit_logistic(pd.DataFrame(NAN, columns=["a", "b"]), y), ValueError, "column b"),
    (lambda: fit_logistic(X, [0, 0, 1, 1]), ValueError, "l2 > 0"),
    (lambda: fit_logistic([["a"]], [1]), TypeError, "real numbers"),
    (lambda: fit_logistic(X, y, tol=0), ValueError, "tol"),
    (lambda: fit_logistic(X, y, tol=np.nan), ValueError, "tol"),
    (lambda: fit_logistic(X, y, tol="a"), TypeError, "tol must be a number, got 'a'"),
    (lambda: fit_logistic(X, y, tol=None), TypeError, "tol must be a number, got None"),
    (lambda: fit_logistic(X, y, tol=True), TypeError, "tol must be a number, got True"),
    (lambda: fit_logistic(X, y, max_iter=1.5), TypeError, "max_iter must be an integer, got 1.5"),
    (lambda: fit_logistic(X, y, max_iter="9"), TypeError, "max_iter must be an integer, got '9'"),
    (lambda: fit_logistic(X, y, max_iter=True), TypeError, "max_iter must be an integer, got True"),
    (lambda: fit_logistic(X, y, l2=True), TypeError, "l2 must be a finite number >= 0, got True"),
    (lambda: fit_logistic(X, y, l2=np.True_), TypeError, "l2 must be a finite number >= 0, got True"),
    (lambda: gradient(w, X, y, l2=True), TypeError, "got True"),
    (lambda: fit_logistic(MIXED * [1, 1e-310], y), ValueError, "column 1 of X is too large or too small"),
    (lambda: fit_logistic(pd.DataFrame(np.sign(MIXED - 1) * [1, 1.7e308], columns=["a", "b"]), y), ValueError, "column b of X is too large"),
    (lambda: fit_logistic(MIXED * 1e-310, y), ValueError, "column 0 of X is too large or too small"),
    (lambda: fit_logistic(np.where(MIXED > 1, 1.7e308, -1.7e308), y), ValueError, "column 0 of X is too large"),
    (lambda: fit_logistic(pd.DataFrame({"a": X[:, 0], "b": list("wxyz")}), y), TypeError, "'w'"),
    (lambda: fit_logistic(pd.DataFrame({"a": X[:, 0], "b": ["0", "1", "2", "3"]}), y), TypeError, "'0'"),
    (lambda: sigmoid(np.array([1, None], object)), TypeError, "got None"),
    (lambda: sigmoid([10**400]), ValueError, "beyond the range of float64"),
    (lambda: fit_logistic(X, y, max_iter=0), ValueError, "max_iter"),
])
def test_nonsense(call, error, words):
    refused(call, error, words)


@pytest.mark.filterwarnings("error")
def test_columns_of_several_types_are_converted():
    frame = pd.DataFrame({"a": MIXED[:, 0], "b": [True, False, False, True], "c": pd.Series([1, 2.5, np.float32(3), 0], dtype=object)})
    want = frame.astype(float).to_numpy()
    np.testing.assert_array_equal(fit_logistic(frame, y, l2=0.1), fit_logistic(want, y, l2=0.1))
    np.testing.assert_array_equal(sigmoid(frame.c), sigmoid(want[:, 2]))
    np.testing.assert_array_equal(hessian(np.ones(4), frame), hessian(np.ones(4), want))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 5e307])
def test_extreme_columns_that_have_a_fit(scale):
    plain = fit_logistic(MIXED, y)
    np.testing.assert_allclose(fit_logistic(MIXED * scale, y), np.r_[plain[0], plain[1:] / scale], rtol=1e-6)


def test_log_loss_goes_by_position():
    labels, logits = pd.Series([0, 1, 1]), pd.Series([-2.0, 1.0, 3.0])
    assert log_loss(labels, logits.set_axis([2, 1, 0])) == log_loss(labels.to_numpy(), logits.to_numpy())
    assert "by position" in log_loss.__doc__


def separable(X, y):
    "Whether some plane has no row strictly on its wrong side and one strictly on its right side: a linear programme."
    A = np.c_[np.ones(len(X)), X] * (2 * y - 1)[:, None]
    best = linprog(-A.sum(0), A_ub=-A, b_ub=np.zeros(len(A)), bounds=[(-1, 1)] * A.shape[1])
    return best.fun < -1e-9


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(4, 14), st.integers(1, 3))
def test_separable_data_are_refused_and_no_others(seed, n, d):
    rng = np.random.default_rng(seed)
    X, y = rng.integers(0, 4, (n, d)).astype(float), rng.integers(0, 2, n)
    y[:2] = 0, 1
    if separable(X, y):
        with pytest.raises(ValueError, match="no finite minimum"):
            fit_logistic(X, y)
    else:
        np.testing.assert_allclose(gradient(fit_logistic(X, y), X, y), 0, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1e-4, 1e-2, 1.0]))
def test_equals_scikit_learn(seed, l2):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(60, 4)), rng.integers(0, 2, 60)
    y[:2] = 0, 1
    oracle = LogisticRegression(C=1 / (60 * l2), solver="newton-cholesky", tol=1e-12).fit(X, y)
    np.testing.assert_allclose(fit_logistic(X, y, l2), np.r_[oracle.intercept_, oracle.coef_[0]], rtol=1e-6, atol=1e-8)
