"""Denser worlds, redrawn answers, the split of a loss, the session's counters; rows of the kept curves again. `pytest -s` shows the messages."""
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from interest_tutorial.behaviour import BehaviourLog, check_events
from interest_tutorial.features import Split, split_by_time
from interest_tutorial.overfitting import bias_variance, observe_more, redraw_answers, session_counters
from interest_tutorial.world import make_world
from refusals import refused

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
WORLD = make_world(30, 40, 1_500, seed=7)
SPLIT = split_by_time(WORLD.log.events)


# ---- observe_more, redraw_answers

@pytest.mark.parametrize("times", [2, 5])
def test_a_denser_world_keeps_the_old_one(times):
    larger, split = observe_more(WORLD, SPLIT, times, seed=3)
    events, number = larger.log.events, larger.log.events.event_id.to_numpy()
    check_events(events)
    assert len(events) == times * 1_500 == len(larger.truth) and len(split.train) == times * len(SPLIT.train)
    old = number < 1_500
    pd.testing.assert_frame_equal(events[old].reset_index(drop=True), WORLD.log.events)
    pd.testing.assert_frame_equal(larger.truth[old].reset_index(drop=True), WORLD.truth)
    for part in ("validation", "test"):
        np.testing.assert_array_equal(number[getattr(split, part)], WORLD.log.events.event_id.iloc[getattr(SPLIT, part)])
    cut = WORLD.log.events.time.iloc[SPLIT.validation[0]]
    assert (events.time.iloc[split.train] <= cut).all() and np.isin(np.flatnonzero(events.time < cut), split.train).all()
    assert not np.intersect1d(split.train, np.r_[split.validation, split.test]).size
    np.testing.assert_allclose(larger.probability(events), larger.truth.p, rtol=1e-12)
    sessions = events.groupby("session_id").user_id.nunique()
    assert (sessions == 1).all() and events.session_id.max() < len(larger.state.session)


def test_the_seed_decides_and_the_law_is_the_old_one():
    a, b, c = (observe_more(WORLD, SPLIT, 2, seed=s)[0].log.events for s in (1, 1, 2))
    assert a.equals(b) and not a.equals(c)
    world = make_world(seed=11)
    larger, _ = observe_more(world, split_by_time(world.log.events), 6, seed=0)
    new = (larger.log.events.event_id >= 8_000).to_numpy()
    share = larger.log.events.user_id[new].value_counts(normalize=True).reindex(range(100), fill_value=0)
    assert np.corrcoef(share, world.state.activity)[0, 1] > 0.95
    for k in ("p", "p_best", "p_blind"):                                   # calibrated: the mean of p is the share of likes
        y, p = larger.log.events.interested[new], larger.truth[k][new]
        assert abs((y - p).sum()) < 4 * np.sqrt((p * (1 - p)).sum()), k


def test_a_denser_world_can_be_made_denser():
    once, split = observe_more(WORLD, SPLIT, 2)
    twice, second = observe_more(once, split, 2)
    e = twice.log.events
    assert e.event_id.is_unique and len(e) == 6_000 and len(second.train) == 4 * len(SPLIT.train)
    for part in ("validation", "test"):
        np.testing.assert_array_equal(e.event_id.iloc[getattr(second, part)], getattr(SPLIT, part))
    np.testing.assert_allclose(twice.probability(e), twice.truth.p, rtol=1e-12)


@pytest.mark.parametrize("call, error, words", [
    (lambda: observe_more(WORLD.log, SPLIT, 2), TypeError, ["world must be a World", "BehaviourLog"]),
    (lambda: observe_more(WORLD, (SPLIT.train, SPLIT.test), 2), TypeError, ["split must be a Split", "tuple"]),
    (lambda: observe_more(WORLD, SPLIT, 1), ValueError, ["times", "at least 2", "1"]),
    (lambda: observe_more(WORLD, SPLIT, 2.0), TypeError, ["times", "2.0"]),
    (lambda: observe_more(WORLD, SPLIT, 2, seed=-1), ValueError, ["seed", "-1"]),
    (lambda: observe_more(WORLD, Split(SPLIT.train, SPLIT.validation[:0], SPLIT.test), 2), ValueError, ["no part empty"]),
    (lambda: observe_more(WORLD, Split(SPLIT.train * 0, SPLIT.validation, SPLIT.test), 2), ValueError, ["in the order of time"]),
    (lambda: observe_more(WORLD, Split(SPLIT.train, SPLIT.validation, SPLIT.test + 1), 2), ValueError, ["of this log of 1500 rows"]),
    (lambda: observe_more(replace(WORLD, log=replace(WORLD.log, events=WORLD.log.events.assign(event_id=WORLD.log.events.event_id + 1_000))), SPLIT, 2), ValueError, ["event_id", "got 1000"]),
    (lambda: observe_more(WORLD, Split(SPLIT.train[5:], SPLIT.validation, SPLIT.test), 2), ValueError, ["must train on all 960 rows", "955"]),
    (lambda: redraw_answers(WORLD.log, 1), TypeError, ["world must be a World"]),
    (lambda: redraw_answers(WORLD, "1"), TypeError, ["seed", "'1'"]),
    (lambda: redraw_answers(WORLD, -2), ValueError, ["seed", "-2"]),
])
def test_bad_worlds(call, error, words):
    refused(call, error, *words)


def test_redrawn_answers_follow_the_truth():
    world = make_world(seed=2)
    y = np.mean([redraw_answers(world, k).events.interested for k in range(200)], axis=0)
    p = world.truth.p.to_numpy()
    z = (y - p) / np.sqrt(np.maximum(p * (1 - p), 1e-4) / 200)
    assert abs(z.mean()) < 0.06 and abs(np.corrcoef(y, p)[0, 1]) > 0.99
    assert redraw_answers(world, 0).events.interested.dtype == "int8" and world.log.events.interested.equals(make_world(seed=2).log.events.interested)


# ---- bias_variance

def test_the_sum_holds_and_matches_a_slow_count():
    rng = np.random.default_rng(0)
    z, p = rng.normal(0, 3, (7, 50)), np.r_[0, 1, rng.random(48)]
    found, q = bias_variance(z, p), 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(found[["noise", "bias", "variance"]].sum(axis=1), found.total)
    with np.errstate(divide="ignore", invalid="ignore"):
        np.testing.assert_allclose(found.loc["log_loss", "total"], np.mean([-(p * np.log(r) + (1 - p) * np.log1p(-r)) for r in q]))
    np.testing.assert_allclose(found.loc["brier", "total"], np.mean([p * (1 - r)**2 + (1 - p) * r**2 for r in q]))
    np.testing.assert_allclose(found.loc["brier", "variance"], q.var(axis=0, ddof=1).mean())
    np.testing.assert_allclose(found.loc["brier", "bias"], ((q.mean(axis=0) - p)**2).mean() - q.var(axis=0, ddof=1).mean() / 7)


def test_the_brier_split_is_unbiased_with_two_repetitions():
    rng, p = np.random.default_rng(1), np.full(40_000, 0.3)
    one, many = bias_variance(rng.normal(0.5, 1, (2, 40_000)), p), bias_variance(rng.normal(0.5, 1, (400, 40_000)), p)
    np.testing.assert_allclose(one.loc["brier"], many.loc["brier"], atol=0.002)
    np.testing.assert_allclose(one.loc["log_loss"], many.loc["log_loss"], atol=0.02)


def test_extreme_logits_stay_finite():
    found = bias_variance([[1e4, -1e4], [1e4, -1e4]], [1.0, 1.0])
    assert np.isfinite(found.to_numpy()).all() and found.loc["log_loss", "total"] == 5_000


@pytest.mark.parametrize("z, p, error, words", [
    ([[0.0, 1.0]], [0.5, 0.5], ValueError, ["R >= 2", "(1, 2)"]),
    ([0.0, 1.0], [0.5, 0.5], ValueError, ["(R, n)", "(2,)"]),
    ([[0.0], [1.0]], [0.5, 0.5], ValueError, ["(2, 1)", "(2,)"]),
    (np.zeros((2, 0)), [], ValueError, ["(2, 0)"]),
    ([[0.0], [np.nan]], [0.5], ValueError, ["finite logits", "nan"]),
    ([[0.0], [np.inf]], [0.5], ValueError, ["finite logits", "inf"]),
    ([[0.0], [1.0]], [1.5], ValueError, ["probabilities", "1.5"]),
    ([[0.0], [1.0]], [np.nan], ValueError, ["probabilities", "nan"]),
    ([["a"], ["b"]], [0.5], TypeError, ["z must hold numbers"]),
])
def test_bad_predictions(z, p, error, words):
    refused(lambda: bias_variance(z, p), error, *words)


# ---- session_counters

def slow(log, i, sitting):
    "One row counted with pandas; `sitting` says which rows share its session."
    e = log.events.assign(category=log.events.item_id.map(log.items.set_index("item_id").category), known=log.events.get("feedback_time", log.events.time))
    r = e.iloc[i]
    known = e[e.known < r.time]
    user, session = known[known.user_id == r.user_id].interested, known[sitting[known.index]]
    own = session[session.category == r.category].interested
    s = session.interested
    rate = (s.sum() + 4 * (user.sum() + 5) / (len(user) + 10)) / (len(s) + 4)
    return [np.log1p(s.sum()), np.log1p(len(s) - s.sum()), rate, np.log1p(own.sum()), np.log1p(len(own) - own.sum()), (own.sum() + 2 * rate) / (len(own) + 2)]


def with_times(log, seed=0, pause=None, **columns):
    "A log whose times are coarse, so that ties occur."
    e = log.events.assign(time=log.events.time.dt.floor("2min"), **columns)
    return replace(log, events=e.sort_values(["time", "event_id"], ignore_index=True))


def test_ties_and_late_answers_against_a_slow_count():
    log = with_times(WORLD.log)
    late = np.random.default_rng(0).integers(0, 900, len(log.events)).astype("timedelta64[s]")
    for log in (log, replace(log, events=log.events.assign(feedback_time=log.events.time + late))):
        found, e = session_counters(log), log.events
        for i in np.random.default_rng(1).integers(0, len(e), 120):
            np.testing.assert_allclose(found.iloc[i], slow(log, i, (e.session_id == e.session_id[i]).to_numpy()), rtol=1e-5)


def test_sittings_where_no_session_is_known():
    log = with_times(WORLD.log)
    log = replace(log, events=log.events.drop(columns="session_id"))
    found, e = session_counters(log, pause=20), log.events
    for i in np.random.default_rng(2).integers(0, len(e), 120):
        mine = e[(e.user_id == e.user_id[i]) & (e.time <= e.time[i])].sort_values("time")
        gaps = mine.time.diff().dt.total_seconds().to_numpy() > 1_200
        start = mine.index[np.flatnonzero(gaps)[-1]] if gaps.any() else mine.index[0]
        sitting = ((e.user_id == e.user_id[i]) & (e.time >= e.time[start])).to_numpy()
        np.testing.assert_allclose(found.iloc[i], slow(log, i, sitting), rtol=1e-5)
    asked = e.sample(200, random_state=0).drop(columns="interested")
    pd.testing.assert_frame_equal(session_counters(log, asked, pause=20), found.loc[asked.index])
    cold = pd.DataFrame(dict(user_id=[10**6], item_id=[10**6], time=e.time.iloc[[-1]]))
    assert session_counters(log, cold).isna().sum().sum() == 0 and (session_counters(log, cold).iloc[0, [0, 1, 3, 4]] == 0).all()


def test_requests_and_missing_sessions():
    log, found = WORLD.log, session_counters(WORLD.log)
    asked = log.events.sample(frac=1, random_state=1).drop(columns=["interested", "propensity"])
    pd.testing.assert_frame_equal(session_counters(log, asked), found.loc[asked.index])
    assert session_counters(log, asked.assign(session_id=pd.NA).astype({"session_id": "Int64"})).isna().all().all()
    assert (found.dtypes == "float32").all() and found.shape == (1_500, 6) and session_counters(log, asked.iloc[:0]).shape == (0, 6)
    some = log.events.assign(session_id=log.events.session_id.astype("Int64").where(log.events.index % 2 == 0))
    assert session_counters(replace(log, events=some)).isna().all(axis=1).to_numpy()[1::2].all()


def test_movielens_in_sittings(movielens):
    found = session_counters(movielens)
    assert len(found) == len(movielens.events) and found.notna().all().all() and found.log_session_likes.max() > 4


@pytest.mark.parametrize("call, error, words", [
    (lambda: session_counters(WORLD), TypeError, ["log must be a BehaviourLog", "World"]),
    (lambda: session_counters(WORLD.log, pause=0), ValueError, ["pause", "0"]),
    (lambda: session_counters(WORLD.log, pause=np.inf), ValueError, ["pause", "inf"]),
    (lambda: session_counters(WORLD.log, pause="30"), TypeError, ["pause", "'30'"]),
    (lambda: session_counters(WORLD.log, [1, 2]), TypeError, ["requests must be a pandas DataFrame"]),
    (lambda: session_counters(WORLD.log, WORLD.log.events.drop(columns="time")), ValueError, ["requests", "time"]),
    (lambda: session_counters(BehaviourLog(WORLD.log.events.drop(columns="interested"), WORLD.log.items, WORLD.log.users)), ValueError, ["interested"]),
])
def test_bad_logs(call, error, words):
    refused(call, error, *words)


# ---- the kept tables

def kept(name):
    return pd.read_csv(ROOT / f"nbs/results/{name}.csv"), json.loads((ROOT / f"nbs/results/{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("curve, x", [("rows", 10240), ("rows, counters", 1280), ("depth", 1), ("ceilings", 0)])
def test_a_place_of_the_curves_again(curve, x):
    import overfitting
    table, made = kept("overfitting_curves")
    seed = made["seeds"][0]
    for row in overfitting.curve((curve, x, [seed])):
        old = table[(table.curve == row[0]) & (table.x == row[1]) & (table.repetition == 0)].iloc[0, 3:].astype(float)
        off = np.abs(np.array(row[3:], float) - old).max()
        print(f"{row[0]}, {x}: largest distance {off:.4f}")
        assert off < made["tolerance"]


def test_the_kept_tables_are_whole():
    import overfitting
    table, made = kept("overfitting_curves")
    assert (table.groupby(["curve", "x"]).repetition.nunique() == overfitting.WORLDS).all() and made["seeds"] == [5000, 5019]
    assert set(table.curve) == {"epochs", "width", "depth", "rows", "rows, counters", "p", "p_best", "p_blind"}
    parts, made = kept("bias_variance")
    assert list(dict.fromkeys(parts.procedure)) == list(overfitting.PROCEDURES) and (parts.groupby("procedure").repetition.nunique() == overfitting.BIAS_WORLDS).all()
    np.testing.assert_allclose(parts[["noise", "bias", "variance"]].sum(axis=1), parts.total, atol=3e-6)
    first = parts[parts.repetition == 0].pivot(index="procedure", columns="loss", values=["noise", "bias", "variance", "total"])
    for name in ("the article", "40 epochs"):           # what the chapter computes again: the tolerance tells it from every other procedure
        assert ((first - first.loc[name]).abs().max(axis=1).drop(name) > made["tolerance"]).all(), name
