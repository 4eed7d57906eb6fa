"""Metrics against scikit-learn on random rows with ties and weights, laws that must hold, speed, and nonsense. `pytest -s` shows messages and times."""
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from interest_tutorial.logistic import logit, sigmoid
from interest_tutorial.metrics import auc, brier, calibration, confusion, plot_calibration, plot_roc, recalibrate, user_auc
from refusals import refused


@st.composite
def rows(draw, weighted=True):
    "Labels of both classes, probabilities with or without ties, weights (None, small integers with zeros, or floats of many sizes)."
    rng, n = np.random.default_rng(draw(st.integers(0, 10**6))), draw(st.integers(2, 60))
    y = rng.integers(0, 2, n)
    y[:2] = 0, 1
    p = rng.random(n) if draw(st.booleans()) else rng.integers(0, 5, n) / 4
    kind = draw(st.sampled_from(["none", "integers", "floats"] if weighted else ["none"]))
    w = {"none": None, "integers": rng.integers(0, 3, n), "floats": rng.exponential(size=n) * 10.0 ** rng.integers(-3, 4, n)}[kind]
    if w is not None:
        w[:2] = 1
    order = rng.permutation(n)
    return y[order], p[order], None if w is None else w[order]


@settings(max_examples=100, deadline=None)
@given(rows(), st.integers(-5, 105))
def test_counts_equal_scikit_learn(data, percent):
    y, p, w = data
    got, accepted = confusion(y, p, percent / 100, w).iloc[0], p > percent / 100
    tn, fp, fn, tp = sk.confusion_matrix(y, accepted, sample_weight=w, labels=[0, 1]).ravel()
    kw = dict(y_true=y, y_pred=accepted, sample_weight=w)
    want = [tp, fp, fn, tn, sk.accuracy_score(**kw), sk.precision_score(**kw, zero_division=np.nan), sk.recall_score(**kw, zero_division=np.nan),
            fp / (fp + tn), sk.f1_score(**kw, zero_division=np.nan)]
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * (tp + fp + fn + tn))


@settings(max_examples=100, deadline=None)
@given(rows())
def test_curves_and_areas_equal_scikit_learn(data):
    y, p, w = data
    c = confusion(y, p, None, w)
    k = np.full(len(y), True) if w is None else w > 0          # scikit-learn leaves rows without weight out of its curve
    false, true, _ = sk.roc_curve(y[k], p[k], sample_weight=None if w is None else w[k], drop_intermediate=False)
    np.testing.assert_allclose(confusion(y[k], p[k], None, None if w is None else w[k])[["false_positive_rate", "recall"]], np.c_[false, true], atol=1e-12)
    np.testing.assert_allclose(auc(y, p, w), sk.roc_auc_score(y, p, sample_weight=w), atol=1e-12)
    np.testing.assert_allclose(auc(y, p, w, "precision_recall"), sk.average_precision_score(y, p, sample_weight=w), atol=1e-12)
    np.testing.assert_allclose(np.trapezoid(c.recall, c.false_positive_rate), auc(y, p, w), atol=1e-12)
    if w is None:
        u = stats.mannwhitneyu(p[y == 1], p[y == 0]).statistic
        assert auc(y, p) == u / ((y == 1).sum() * (y == 0).sum())


@settings(max_examples=60, deadline=None)
@given(rows())
def test_auc_sees_the_order_alone(data):
    y, p, w = data
    assert auc(y, p * 4 - 7, w) == auc(y, p, w)
    np.testing.assert_allclose([auc(y, -p, w), auc(1 - y, p, w)], 1 - auc(y, p, w), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(rows(), st.integers(0, 10**6), st.integers(1, 8))
def test_user_auc_is_auc_by_user(data, seed, users):
    y, p, w = data
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, users, len(y))
    if w is not None:
        w = w * 10.0 ** (4 * groups - 15)                     # users of very different weight
    got = user_auc(y, p, groups, w)
    for u, row in got.iterrows():
        at = (groups == u)
        kept = at & (np.ones(len(y)) if w is None else w > 0).astype(bool)
        assert row.rows == at.sum() and np.isclose(row.weight, at.sum() if w is None else w[at].sum(), rtol=1e-12)
        if len(np.unique(y[kept])) < 2:
            assert np.isnan(row.auc)
        else:
            np.testing.assert_allclose(row.auc, auc(y[at], p[at], None if w is None else w[at]), atol=1e-12)


def test_user_auc_takes_any_names_by_position():
    y, p = [1, 0, 1, 0], [.9, .1, .2, .3]
    want = [1, 0]
    for groups in (["b", "b", "a", "a"], pd.Series([7, 7, 3, 3], [9, 8, 7, 6]), pd.Categorical(list("yyxx")), pd.array([2, 2, 1, 1], "Int64")):
        assert user_auc(y, p, groups).auc.tolist() == want[::-1]
    assert user_auc(y, p, ["b", "b", "a", "a"]).index.tolist() == ["a", "b"]


@settings(max_examples=100, deadline=None)
@given(rows(), st.sampled_from([None, 1, 2, 3, 10]), st.sampled_from(["width", "mass"]))
def test_brier_and_its_parts(data, bins, strategy):
    y, p, w = data
    b = brier(y, p, bins, strategy, w)
    np.testing.assert_allclose([b.brier, b.reliability - b.resolution + b.uncertainty + b.within], sk.brier_score_loss(y, p, sample_weight=w), atol=1e-12)
    assert b.ece ** 2 <= b.reliability + 1e-12 and -1e-12 <= b.resolution <= b.uncertainty + 1e-12
    assert bins is not None or abs(b.within) < 1e-12


@settings(max_examples=100, deadline=None)
@given(rows(weighted=False), st.sampled_from([1, 2, 5, 10]))
def test_bins_equal_scikit_learn(data, bins):
    y, p, _ = data
    keep = len(y) // bins * bins                              # equal mass: where the bins divide the rows
    for strategy, name in (("width", "uniform"), ("mass", "quantile")):
        n = len(y) if strategy == "width" else keep
        if n:
            t = calibration(y[:n], p[:n], bins, strategy)
            np.testing.assert_allclose(t[["observed", "mean_p"]].T, calibration_curve(y[:n], p[:n], n_bins=bins, strategy=name), atol=1e-12)
            assert t.rows.sum() == n and np.isclose(t.share.sum(), 1) and (t.low <= t.observed + 1e-12).all() and (t.high >= t.observed - 1e-12).all()


def test_intervals_are_wilsons():
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, 500), rng.random(500)
    for bins in (3, 10):
        t = calibration(y, p, bins)
        want = [stats.binomtest(round(r.observed * r.rows), r.rows).proportion_ci(method="wilson") for r in t.itertuples()]
        np.testing.assert_allclose(t[["low", "high"]], want, atol=1e-12)
    width = [np.ptp(calibration(y, p, 1, weights=w)[["low", "high"]].to_numpy()) for w in (None, np.r_[1, np.full(499, .1)], np.r_[np.ones(50), np.full(450, .001)])]
    assert 1.02 < width[1] / width[0] < 1.2 and width[2] / width[0] > 2.5       # 500, 432 and 51 rows in effect


def test_the_last_edge_of_equal_mass_is_a_row():
    "A total weight times 10 over 10 can round to more than the total."
    for seed in range(300):
        rng = np.random.default_rng(seed)
        w = rng.exponential(size=30)
        assert np.isclose(calibration(rng.integers(0, 2, 30), rng.random(30), 10, "mass", w).share.sum(), 1)


@settings(max_examples=60, deadline=None)
@given(rows(), st.sampled_from([None, 1, 3, 10]), st.sampled_from(["width", "mass"]))
def test_a_row_of_weight_two_is_a_row_twice(data, bins, strategy):
    y, p, w = data
    w = np.random.default_rng(len(y)).integers(0, 3, len(y)) if w is None or w.dtype.kind == "f" else w
    w[[y.argmax(), y.argmin()]] = 1
    twice = np.repeat(y, w), np.repeat(p, w)
    a, b = calibration(y, p, bins, strategy, w), calibration(*twice, bins, strategy)
    np.testing.assert_allclose(a[["share", "mean_p", "observed"]], b[["share", "mean_p", "observed"]], atol=1e-12)
    np.testing.assert_allclose(auc(y, p, w), auc(*twice), atol=1e-12)
    np.testing.assert_allclose(brier(y, p, bins, strategy, w), brier(*twice, bins, strategy), atol=1e-12)
    np.testing.assert_allclose(confusion(y, p, .5, w), confusion(*twice))
    for scale in (1e-200, 1e200):
        np.testing.assert_allclose(auc(y, p, w * scale), auc(y, p, w), rtol=1e-9)
        np.testing.assert_allclose(brier(y, p, bins, strategy, w * scale), brier(y, p, bins, strategy, w), rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(calibration(y, p, bins, strategy, w * scale), calibration(y, p, bins, strategy, w), rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(user_auc(y, p, y * 0, w * scale).auc, auc(y, p, w), rtol=1e-9, atol=1e-15)


@settings(max_examples=100, deadline=None)
@given(rows(weighted=False), st.integers(0, 10**6))
def test_isotonic_equals_scikit_learn(data, seed):
    y, p, _ = data
    q = np.random.default_rng(seed).random(50)
    np.testing.assert_allclose(recalibrate(y, p, "isotonic")(q), IsotonicRegression(out_of_bounds="clip").fit(p, y).predict(q), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(rows(weighted=False))
def test_platt_equals_scikit_learn_and_never_falls(data):
    y, p, _ = data
    try:
        m = recalibrate(y, p)
    except ValueError as e:
        assert "no finite slope" in str(e) and p[y == 0].max() <= p[y == 1].min()
        return
    grid = m(np.linspace(0, 1, 201))
    assert (np.diff(grid) >= 0).all() and ((grid >= 0) & (grid <= 1)).all() and np.isclose(m(p).mean(), y.mean(), atol=1e-6)
    z = logit(np.clip(p, 1e-7, 1 - 1e-7))[:, None]
    if p[y == 1].max() > p[y == 0].min():                     # else the best rising map is a constant
        oracle = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10, max_iter=1_000).fit(z, y)
        if oracle.coef_[0, 0] > 1e-6:
            np.testing.assert_allclose(m(p), oracle.predict_proba(z)[:, 1], atol=1e-4)


def test_isotonic_on_many_rows():
    rng = np.random.default_rng(0)
    p, q = rng.random(5_000), np.linspace(0, 1, 999)
    for y in (rng.random(5_000) < p, rng.random(5_000) < 1 - p, rng.random(5_000) < .5 + .1 * np.sin(9 * p)):
        np.testing.assert_allclose(recalibrate(y, p, "isotonic")(q), IsotonicRegression(out_of_bounds="clip").fit(p, y).predict(q), atol=1e-12)


def test_repair_brings_bent_probabilities_back():
    rng = np.random.default_rng(0)
    p = rng.random(40_000)
    y, bent = rng.random(40_000) < p, sigmoid(1 + 2 * logit(p))
    for method, close in (("platt", .01), ("isotonic", .02)):
        m = recalibrate(y[:20_000], bent[:20_000], method)
        assert np.abs(m(bent[20_000:]) - p[20_000:]).mean() < close and m(bent.reshape(200, 200)).shape == (200, 200) and m(.5).shape == ()


def test_pooling_many_rows_ends_soon():
    rng = np.random.default_rng(0)
    p = rng.random(300_000)
    y = rng.random(300_000) < p
    for labels in (y, p < .5, np.arange(300_000) % 2 == 0):
        start = time.perf_counter()
        recalibrate(labels, p, "isotonic")
        print(f"{time.perf_counter() - start:.2f} s")
        assert time.perf_counter() - start < 5


def test_a_million_rows_take_no_longer_than_scikit_learn():
    rng = np.random.default_rng(0)
    p = rng.random(10**6)
    y, w = (rng.random(10**6) < p).astype("int8"), rng.random(10**6)
    for kw in ({}, dict(weights=w)):
        best = {}
        for name, call in (("ours", lambda: auc(y, p, **kw)), ("theirs", lambda: sk.roc_auc_score(y, p, sample_weight=kw.get("weights")))):
            times = []
            for _ in range(3):
                start = time.process_time()
                call()
                times.append(time.process_time() - start)
            best[name] = min(times)
        print(f"{list(kw) or 'plain'}: ours {best['ours']:.3f} s, scikit-learn {best['theirs']:.3f} s, ratio {best['theirs'] / best['ours']:.1f}")
        assert best["ours"] < 1.2 * best["theirs"]


def test_pictures_show_the_numbers():
    import matplotlib
    matplotlib.use("agg")
    y, p = np.array([1, 0, 1, 0]), np.array([.9, .4, .3, .2])
    ax = plot_roc(y, {"a": p, "b": 1 - p})
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a: AUC 0.750", "b: AUC 0.250"] and len(ax.lines) == 3
    same = plot_calibration(y, p, 2, ax=ax)
    assert same is ax and len(ax.containers) == 1
    matplotlib.pyplot.close("all")
    for bad in (lambda: plot_roc(y, {}), lambda: plot_calibration(y, p, 0)):
        with pytest.raises(ValueError):
            bad()
    assert not matplotlib.pyplot.get_fignums(), "a refused call leaves no empty figure"


Y, P = np.array([1, 0, 1, 0]), np.array([.9, .4, .3, .2])
COMMON = [
    (dict(y=[]), ValueError, "n > 0"),
    (dict(y=[1, 0, 2, 0]), ValueError, "got 2 at position 2"),
    (dict(y=[1, 0, np.nan, 0]), ValueError, "got nan at position 2"),
    (dict(y=["1", "0", "1", "0"]), ValueError, "got '1' at position 0"),
    (dict(y=Y[:, None]), ValueError, "got (4, 1)"),
    (dict(p=P[:3]), ValueError, "shape of y, (4,), got (3,)"),
    (dict(p=P[:, None]), ValueError, "take p[:, 0]"),
    (dict(p=[.9, np.nan, .3, .2]), ValueError, "got nan at position 1"),
    (dict(p=[.9, .4, np.inf, .2]), ValueError, "got inf at position 2"),
    (dict(p=None), TypeError, "p must hold real numbers, got None"),
    (dict(p=["a", "b", "c", "d"]), TypeError, "real numbers"),
]
WEIGHTS = [
    (dict(weights=[1, 1, 1]), ValueError, "shape of y, (4,), got (3,)"),
    (dict(weights=[1, -2, 1, 1]), ValueError, "got -2.0 at position 1"),
    (dict(weights=[1, np.nan, 1, 1]), ValueError, "got nan at position 1"),
    (dict(weights=np.zeros(4)), ValueError, "a sum above 0 and below infinity, got 0.0"),
    (dict(weights=np.full(4, 1e308)), ValueError, "got inf"),
    (dict(weights="heavy"), TypeError, "weights must hold real numbers"),
]
UNIT = [(dict(p=[.9, .4, 1.5, .2]), ValueError, "lie in [0, 1], got 1.5 at position 2"), (dict(p=[.9, -.1, .3, .2]), ValueError, "got -0.1 at position 1")]
ONE_CLASS = [(dict(y=[1, 1, 1, 1]), ValueError, "y is 1 in all rows"), (dict(y=[0, 0, 0, 0]), ValueError, "y is 0 in all rows")]
BINS = [
    (dict(bins=0), ValueError, "at least 1, got 0"), (dict(bins=2.5), TypeError, "whole number or None, got 2.5"),
    (dict(bins=True), TypeError, "got True"), (dict(strategy="quantile"), ValueError, "'width' or 'mass', got 'quantile'"),
]
CASES = {
    confusion: COMMON + WEIGHTS + [(dict(threshold=np.nan), ValueError, "got nan"), (dict(threshold="half"), TypeError, "threshold must hold real numbers"), (dict(threshold=[[.5]]), ValueError, "a sequence of numbers")],
    auc: COMMON + WEIGHTS + ONE_CLASS + [(dict(curve="lift"), ValueError, "got 'lift'"), (dict(weights=[0, 1, 0, 1]), ValueError, "weight above 0 is 0 in all rows")],
    user_auc: COMMON + WEIGHTS + [(dict(groups=[1, 2, 3]), ValueError, "shape of y, (4,), got (3,)"), (dict(groups=[1, None, 2, 2]), ValueError, "missing one at position 1"),
        (dict(groups=["a", "a", np.nan, "b"]), ValueError, "missing one at position 2"), (dict(groups=None), ValueError, "got ()"), (dict(groups=[[1], [1], [2], [2]]), ValueError, "got (4, 1)")],
    calibration: COMMON + WEIGHTS + UNIT + BINS,
    brier: COMMON + WEIGHTS + UNIT + BINS,
    recalibrate: COMMON + UNIT + ONE_CLASS + [(dict(method="beta"), ValueError, "got 'beta'"), (dict(method=None), ValueError, "got None"), (dict(p=[.9, .1, .8, .2]), ValueError, "no finite slope")],
    plot_roc: COMMON + WEIGHTS + ONE_CLASS + [(dict(p={}), ValueError, "empty dict")],
    plot_calibration: COMMON + WEIGHTS + UNIT + BINS,
}


@pytest.mark.parametrize("function, change, error, words", [(f, *case) for f, cases in CASES.items() for case in cases], ids=lambda v: getattr(v, "__name__", None))
def test_nonsense(function, change, error, words):
    call = dict(y=Y, p=P) | (dict(groups=[1, 1, 2, 2]) if function is user_auc else {}) | change
    refused(lambda: function(**call), error, words)


@pytest.mark.parametrize("bad, error, words", [([.5, 1.2], ValueError, "got 1.2 at position 1"), (np.nan, ValueError, "got nan at position 0"), ("high", TypeError, "real numbers")])
def test_a_map_takes_probabilities_alone(bad, error, words):
    refused(lambda: recalibrate(Y, P)(bad), error, words)
