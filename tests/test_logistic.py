"""Nonsense for the functions of `logistic`, and separable data against an oracle. The message of each error is printed."""
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import linprog
from sklearn.linear_model import LogisticRegression

from interest_tutorial.logistic import fit_logistic, gradient, hessian, log_loss, logit, sigmoid

X, y, w = np.array([[0., 1], [1, 0], [2, 1], [3, 3]]), np.array([0, 1, 0, 1]), np.zeros(3)
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
    (lambda: fit_logistic(X, y, max_iter=0), ValueError, "max_iter"),
])
def test_nonsense(call, error, words):
    with pytest.raises(error) as caught:
        call()
    print(f"{error.__name__}: {caught.value}")
    assert words in str(caught.value)


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
