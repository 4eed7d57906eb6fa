"""The world against design text: slow re-implementations, distributions of what is drawn, controls, bad input."""
import hashlib, math

import numpy as np, pandas as pd, pytest
from scipy import stats

from interest_tutorial.behaviour import check_events
from interest_tutorial.world import CATEGORIES, World, _expose, _filter, ceiling, make_world
from refusals import refused

DAY = 86_400
STRENGTH = dict(b=-1.5, mood=5., interest=5.5, quality=2., taste=.5, price=1., night=1.75, fashion=2.)
WORLDS = {'default': {}, 'small': dict(n_users=7, n_items=13, n_events=700, seed=3, days=17), 'strange': dict(n_events=1_500, seed=4, mood=2.5, drift=1.7, signal=.6)}


@pytest.fixture(scope='module', params=WORLDS)
def case(request): return make_world(**WORLDS[request.param]), WORLDS[request.param]


@pytest.fixture(scope='module')
def world(): return make_world()


@pytest.fixture(scope='module')
def large(): return make_world(4_000, 4_000, 200_000, seed=11)


def sigma(z): return 1 / (1 + math.exp(-z)) if z > -700 else 0.


class Slow:
    "The text once more: one number at a time, no arrays, nothing of the module but the drawn parameters."
    def __init__(self, world, mood=5., drift=1., signal=1., **_):
        self.s, k = world.state, dict(STRENGTH, mood=mood, fashion=2. * drift)
        self.k = {name: v if name == 'b' else signal * v for name, v in k.items()}

    def interests(self, user, start): return [float(v) for v in self.s.interest[user][start // (7 * DAY)]]

    def logit(self, user, item, second, start):
        s, k, c = self.s, self.k, int(self.s.category[item])
        hour = start % DAY / 3600
        at_night, of_night = hour >= 19 or hour < 5, CATEGORIES[c] in ('music', 'games')
        z = k['b'] + k['interest'] * self.interests(user, start)[c] + k['quality'] * float(s.quality[item])
        z += k['taste'] * sum(float(a) * float(b) for a, b in zip(s.taste[user], s.style[item]))
        z -= k['price'] * abs(float(s.log_price[item]) - float(s.habit[user]))
        z += k['night'] if at_night == of_night else -k['night']
        return z + k['fashion'] * math.sin(2 * math.pi * (second / DAY) / float(s.period[c]) + float(s.phase[c]))

    def p(self, user, item, second, start, mood):
        return sigma(self.logit(user, item, second, start) + self.k['mood'] * (int(self.s.category[item]) == mood))

    def propensity(self, user, item, start):
        s, c = self.s, int(self.s.category[item])
        of_category = sum(float(v) for v, k in zip(s.popularity, s.category) if k == c)
        return .4 * self.interests(user, start)[c] * float(s.popularity[item]) / of_category + .6 * float(s.popularity[item])


def sessions(world):
    "Start (seconds since day 0), mood and rows of each session, read from the log and the truth alone."
    second = ((world.log.events.time - pd.Timestamp('2024-01-01')) / pd.Timedelta(seconds=1)).astype(int)
    rows = world.log.events.assign(second=second, mood=world.truth.mood.map(CATEGORIES.index).astype(int))
    for _, g in rows.groupby('session_id'): yield int(g.second.min()), int(g.mood.iloc[0]), list(g.itertuples())


# what the text says, event by event

def test_p_and_propensity_event_by_event(case):
    world, control = case
    slow, p, q = Slow(world, **control), np.zeros(len(world.truth)), np.zeros(len(world.truth))
    for start, mood, rows in sessions(world):
        for r in rows:
            p[r.Index] = slow.p(r.user_id, r.item_id, r.second, start, mood)
            q[r.Index] = slow.propensity(r.user_id, r.item_id, start)
    np.testing.assert_allclose(world.truth.p, p, rtol=0, atol=1e-9)
    np.testing.assert_allclose(world.log.events.propensity, q, rtol=0, atol=1e-9)


def test_both_filters_by_brute_force_over_all_moods(case):
    world, control = case
    slow, best, blind = Slow(world, **control), np.zeros(len(world.truth)), np.zeros(len(world.truth))
    for start, _, rows in sessions(world):
        w = slow.interests(rows[0].user_id, start)
        under = [[slow.p(r.user_id, r.item_id, r.second, start, m) for m in range(5)] for r in rows]
        for j, r in enumerate(rows):
            joint = [w[m] * math.prod(under[i][m] if rows[i].interested else 1 - under[i][m] for i in range(j)) for m in range(5)]
            best[r.Index] = sum(joint[m] * under[j][m] for m in range(5)) / sum(joint)
            blind[r.Index] = sum(w[m] * under[j][m] for m in range(5))
    np.testing.assert_allclose(world.truth.p_best, best, rtol=0, atol=1e-9)
    np.testing.assert_allclose(world.truth.p_blind, blind, rtol=0, atol=1e-9)


def test_the_filter_stays_exact_after_a_million_rows():
    rng, n = np.random.default_rng(0), 1_000_000
    w, c, z, y = np.tile(rng.dirichlet(np.ones(5)), (n, 1)), rng.integers(0, 5, n), rng.normal(0, 3, n), rng.integers(0, 2, n)
    first = np.arange(n) // 20 * 20
    last = slice(n - 20, n)
    far, near = _filter(w, c, z, 5., y, first), _filter(w[last], c[last], z[last], 5., y[last], np.zeros(20, int))
    np.testing.assert_allclose(far[0][last], near[0], atol=1e-8)


def test_sessions_are_as_the_text_says(case):
    world, _ = case
    check_events(world.log.events)
    for start, mood, rows in sessions(world):
        assert [r.second for r in rows] == [start + 45 * j for j in range(len(rows))]
        assert {(r.user_id, r.device, r.mood) for r in rows} == {(rows[0].user_id, rows[0].device, mood)}
        s = world.state.session.loc[rows[0].session_id]
        assert (s.user, s.start, s.mood) == (rows[0].user_id, start, mood) and 0 <= start < world.state.days * DAY


def test_schema(world):
    assert list(world.log.events) == ['event_id', 'user_id', 'item_id', 'session_id', 'time', 'device', 'propensity', 'interested']
    assert list(world.truth) == ['event_id', 'mood', 'p', 'p_best', 'p_blind'] and list(world.log.users) == ['user_id', 'age']
    assert list(world.log.items) == ['item_id', 'title', 'category', 'price'] and world.log.events.interested.dtype == 'int8'
    assert (world.truth.event_id == world.log.events.event_id).all() and len(world.log.events) == 8_000
    np.testing.assert_allclose(world.log.items.price, 20 * np.exp(world.state.log_price))
    assert (world.log.items.category.value_counts() == 40).all() and repr(world).startswith('World(BehaviourLog(8,000 events')


# what is drawn

def assert_drawn_from(x, law, name):
    "Kolmogorov-Smirnov, and the standard deviation (4.5 standard errors for a normal law), which it does not see sharply."
    assert stats.kstest(x, law.cdf).pvalue > 1e-4, name
    kurtosis = float(law.stats('k'))
    assert abs(x.std() / law.std() - 1) < 4.5 * ((kurtosis + 2) / 4 / len(x)) ** .5, name


def test_drawn_from_the_table(large):
    s = make_world(40_000, 40_000, 1, seed=12).state
    first, steps = s.interest[:, 0], np.diff(np.log(s.interest), axis=1)
    in_category = s.log_price[s.category == 0]
    draws = {
        'habit': (s.habit, stats.norm(0, .6)), 'quality': (s.quality, stats.norm()), 'taste': (s.taste.ravel(), stats.norm()), 'style': (s.style.ravel(), stats.norm()),
        'night share': (s.night_share, stats.beta(2, 2)), 'first interest': (np.maximum(first[:, 0] * 1.005 - .001, 0), stats.beta(.2, .8)),
        'weekly step': ((steps[..., 0] - steps[..., 1]).ravel(), stats.norm(0, .4 * 2 ** .5)), 'log price in a category': (in_category - in_category.mean(), stats.norm(0, .6)),
        'activity': (np.log(s.activity) - np.log(s.activity).mean(), stats.norm(0, .8))}                       # normalised: only the spread is left
    for name, (x, law) in draws.items(): assert_drawn_from(x, law, name)
    age, visits = large.log.users.age, large.state.session
    sizes, device = large.log.events.groupby('session_id').size().to_numpy()[:-1], large.log.events.drop_duplicates('session_id').device
    assert stats.binomtest(int((device == 'phone').sum()), len(device)).pvalue > 1e-4
    assert stats.chisquare(np.bincount(age - 16, minlength=59)).pvalue > 1e-4 and (age.min(), age.max()) == (16, 74)
    assert abs(sizes.mean() - 12) < 4 * 12 / len(sizes) ** .5
    assert stats.chisquare([(sizes == k).sum() for k in range(1, 30)] + [(sizes >= 30).sum()],
                           len(sizes) * np.r_[stats.geom(1 / 12).pmf(range(1, 30)), stats.geom(1 / 12).sf(29)]).pvalue > 1e-4
    assert stats.chisquare(np.bincount(visits.start // DAY, minlength=56)).pvalue > 1e-4


def test_worlds_draw_category_prices_fashion_and_popularity():
    worlds = [make_world(1, 500, 1, seed=s).state for s in range(400)]
    price = np.array([[s.log_price[s.category == c].mean() for c in range(5)] for s in worlds]).ravel()
    period, phase = (np.ravel([getattr(s, k) for s in worlds]) for k in ('period', 'phase'))
    assert_drawn_from(price, stats.norm(0, (.25 + .36 / 100) ** .5), 'price of a category')
    assert_drawn_from(period, stats.uniform(60, 60), 'period')
    assert_drawn_from(phase, stats.uniform(0, 2 * np.pi), 'phase')
    assert 60 <= period.min() < 60.2 and 119.8 < period.max() <= 120
    zipf = np.arange(1, 501) ** -.8
    for s in worlds[:20]: np.testing.assert_allclose(np.sort(s.popularity)[::-1], zipf / zipf.sum())
    assert abs(np.mean([s.popularity.argmax() for s in worlds]) - 249.5) < 4 * 144.3 / 20   # ranks are a random permutation


def test_who_comes_when_in_which_mood(large):
    s, visits, n = large.state, large.state.session, len(large.state.session)
    w = s.interest[visits.user, visits.start // (7 * DAY)]
    hits, expected = np.bincount(visits.mood, minlength=5), w.sum(0)
    assert (abs(hits - expected) < 4.5 * np.sqrt((w * (1 - w)).sum(0))).all()
    own = w[np.arange(n), visits.mood]
    assert abs(own.mean() - (w ** 2).sum(1).mean()) < 4.5 * own.std() / n ** .5
    rng, chance = np.random.default_rng(0), np.repeat(s.night_share[visits.user], 100)
    hours = np.where(rng.random(100 * n) < chance, rng.normal(22, 2, 100 * n), rng.normal(13, 3, 100 * n)) % 24
    expected = np.bincount((hours * 2).astype(int), minlength=48) / 100
    assert stats.chisquare(np.bincount(visits.start // 1800 % 48, minlength=48), expected).pvalue > 1e-4
    drawn = visits.start.to_numpy() % DAY / 3600
    for low, high in ((6, 17), (20, 24)):
        x, law = drawn[(drawn >= low) & (drawn < high)], hours[(hours >= low) & (hours < high)]
        assert abs((x - law.mean()).mean()) < 4 * law.std() / len(x) ** .5 and abs(((x - law.mean()) ** 2).mean() / law.var() - 1) < 4 * ((stats.kurtosis(law) + 2) / len(x)) ** .5
    busy = np.bincount(visits.user, minlength=4_000)
    assert abs((busy * s.activity).sum() - n * (s.activity ** 2).sum()) < 4.5 * (n * (s.activity ** 3).sum()) ** .5


def test_answers_are_drawn_from_p(large):
    y, t = large.log.events.interested, large.truth
    assert abs((y - t.p).sum()) < 4.5 * (t.p * (1 - t.p)).sum() ** .5
    for k in ('p', 'p_best', 'p_blind'):
        g = pd.DataFrame(dict(y=y, p=t[k], v=t.p * (1 - t.p))).groupby((t[k] * 20).astype(int).clip(upper=19))
        if k == 'p': assert (abs(g.y.sum() - g.p.sum()) < 4.5 * g.v.sum() ** .5).all()
        else: assert (abs(g.y.mean() - g.p.mean()) < .03).all()


def test_exposure_frequencies_and_no_mood_in_it(world):
    s, n = world.state, 400_000
    w = s.interest[5, 3]
    slow = [Slow(world).propensity(5, i, 3 * 7 * DAY) for i in range(200)]
    assert math.isclose(sum(slow), 1)
    item, propensity = _expose(np.random.default_rng(1), s, np.tile(w, (n, 1)))
    np.testing.assert_allclose(propensity, np.array(slow)[item])
    count = np.bincount(item, minlength=200)
    assert stats.chisquare(count, n * np.array(slow)).pvalue > 1e-4
    other = make_world(mood=0.).log.events
    pd.testing.assert_frame_equal(other.drop(columns='interested'), world.log.events.drop(columns='interested'))


# probability of what was not shown

def test_probability_equals_the_truth_and_the_text(case):
    world, control = case
    slow, e = Slow(world, **control), world.log.events
    np.testing.assert_array_equal(world.probability(e), world.truth.p)
    shuffled = e.sample(frac=1, random_state=0)
    np.testing.assert_array_equal(world.probability(shuffled), world.truth.p[shuffled.index])
    rng, n = np.random.default_rng(0), 400
    ask = pd.DataFrame(dict(user_id=rng.integers(0, len(world.log.users), n), item_id=rng.integers(0, len(world.log.items), n),
                            second=rng.integers(0, (world.state.days + 1) * DAY, n)))
    ask['time'] = np.datetime64('2024-01-01', 's') + ask.second.to_numpy().astype('timedelta64[s]')
    weeks, expected = world.state.interest.shape[1], []
    for r in ask.itertuples():
        start = r.second if r.second // (7 * DAY) < weeks else r.second - 7 * DAY     # after the end: the last week, at the hour asked
        w = slow.interests(r.user_id, start)
        z = slow.logit(r.user_id, r.item_id, r.second, start)
        expected.append(sum(w[m] * sigma(z + slow.k['mood'] * (world.state.category[r.item_id] == m)) for m in range(5)))
    np.testing.assert_allclose(world.probability(ask), expected, rtol=0, atol=1e-9)


def test_probability_with_some_sessions_missing(world):
    e = world.log.events[:6]
    known, unknown = world.probability(e), world.probability(e.drop(columns='session_id'))
    for ids in (pd.array([0] * 3 + [pd.NA] * 3, dtype='Int64'), np.array([0., 0, 0, np.nan, np.nan, np.nan]), pd.Series([0, 0, 0, None, None, None], dtype=object).to_numpy()):
        ids = pd.Series(ids)
        ids[:3] = e.session_id[:3]
        np.testing.assert_array_equal(world.probability(e.assign(session_id=ids)), np.r_[known[:3], unknown[3:]])
    np.testing.assert_array_equal(world.probability(e.assign(session_id=None)), unknown)
    assert world.probability(e[:0]).shape == (0,) and ((known > 0) & (known < 1)).all()
    np.testing.assert_array_equal(world.probability(e.assign(time=e.time.astype('datetime64[ns]'))), known)


# same seed, other seeds, controls

def digest(world):
    h = hashlib.sha256()
    for f in (world.log.events, world.log.items, world.log.users, world.truth, world.state.session): h.update(pd.util.hash_pandas_object(f).to_numpy().tobytes())
    return h.hexdigest()


def test_same_seed_same_bytes(case):
    world, arguments = case
    state = np.random.get_state()[1].copy()
    assert digest(make_world(**arguments)) == digest(world) != digest(make_world(**{**arguments, 'seed': 99}))
    assert (np.random.get_state()[1] == state).all()
    assert digest(make_world(seed=np.int64(7))) == digest(make_world(seed=7))


def test_controls(world):
    for kind in (dict(mood=0), dict(signal=0)):
        t = make_world(**kind).truth
        assert (t.p == t.p_best).all() and (t.p == t.p_blind).all()
    np.testing.assert_allclose(make_world(signal=0).truth.p, sigma(-1.5), rtol=1e-12)
    still = make_world(drift=0)
    assert np.ptp(still.state.interest, axis=1).max() == 0 and still.state.coefficient['fashion'] == 0
    np.testing.assert_array_equal(still.state.interest[:, 0], world.state.interest[:, 0])
    np.testing.assert_array_equal(make_world(mood=3.).state.session, world.state.session)


def test_expected_ceilings_are_ordered():
    H = lambda p: -(p * np.log(p) + (1 - p) * np.log(1 - p))
    for seed in range(20):
        blind, best, p = H(make_world(seed=seed).truth[['p_blind', 'p_best', 'p']]).mean()
        assert blind > best + .01 and best > p + .01


EXTREME = [dict(n_users=1), dict(n_items=5), dict(n_events=1), dict(n_users=1, n_items=5, n_events=1, days=1), dict(days=1), dict(mood=100, signal=100), dict(drift=100, days=2_000, n_events=300),
           dict(n_items=7, n_events=50), dict(seed=10 ** 30)]


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('arguments', EXTREME, ids=str)
def test_extreme_worlds_are_finite(arguments):
    w = make_world(**arguments)
    check_events(w.log.events)
    t = w.truth[['p', 'p_best', 'p_blind']]
    assert len(t) == arguments.get('n_events', 8_000) and np.isfinite(t).all(axis=None) and t.ge(0).all(axis=None) and t.le(1).all(axis=None)


# bad input: run with -s to read the messages

BAD_WORLDS = [('n_users', 0, ValueError), ('n_users', -3, ValueError), ('n_users', '100', TypeError), ('n_users', None, TypeError), ('n_users', True, TypeError), ('n_items', 4, ValueError),
              ('n_items', 10., TypeError), ('n_items', np.nan, TypeError), ('n_events', 0, ValueError), ('n_events', 8e3, TypeError), ('n_events', [8000], TypeError), ('seed', -1, ValueError),
              ('seed', None, TypeError), ('seed', 1.5, TypeError), ('seed', '1', TypeError), ('seed', False, TypeError), ('days', 0, ValueError), ('days', 56., TypeError), ('mood', '5', TypeError),
              ('mood', None, TypeError), ('mood', True, TypeError), ('mood', np.nan, ValueError), ('mood', np.inf, ValueError), ('mood', -1, ValueError), ('mood', 1j, TypeError), ('drift', -.1, ValueError),
              ('drift', 'no', TypeError), ('drift', np.array([1.]), TypeError), ('signal', -np.inf, ValueError), ('signal', 101, ValueError), ('signal', pd.NA, TypeError), ('signal', np.bool_(True), TypeError)]


@pytest.mark.parametrize('name,value,error', BAD_WORLDS, ids=lambda v: getattr(v, '__name__', repr(v)))
def test_bad_worlds(name, value, error): refused(lambda: make_world(**{name: value}), error, name)


NOON = pd.Timestamp('2024-01-10 12:00')
BAD_REQUESTS = {
    'none': (lambda e: None, TypeError, 'NoneType'), 'dictionary': (lambda e: e.to_dict('list'), TypeError, 'dict'), 'events as array': (lambda e: e.to_numpy(), TypeError, 'ndarray'),
    'no user': (lambda e: e.drop(columns='user_id'), ValueError, 'no column user_id'), 'nothing': (lambda e: pd.DataFrame(), ValueError, 'no column user_id, item_id, time'),
    'unknown user': (lambda e: e.assign(user_id=100), ValueError, 'row 0: user_id is 100'), 'negative user': (lambda e: e.assign(user_id=-1), ValueError, 'user_id is -1'),
    'unknown item': (lambda e: e.assign(item_id=[0, 1, 200, 3]), ValueError, 'row 2: item_id is 200'), 'half an item': (lambda e: e.assign(item_id=.5), ValueError, 'item_id is 0.5'),
    'item NaN': (lambda e: e.assign(item_id=np.nan), ValueError, 'item_id is nan'), 'item NA': (lambda e: e.assign(item_id=pd.array([1, pd.NA, 2, 3], dtype='Int64')), ValueError, 'row 1: item_id is <NA>'),
    'string ids': (lambda e: e.assign(user_id=e.user_id.astype(str)), TypeError, 'user_id holds string'), 'string items': (lambda e: e.assign(item_id=['a', 'b', 'c', 'd']), TypeError, 'item_id holds string'),
    'mixed ids': (lambda e: e.assign(item_id=pd.Series([1, 'b', 2, 3], dtype=object)), TypeError, 'item_id holds mixed'), 'boolean ids': (lambda e: e.assign(user_id=True), TypeError, 'user_id holds boolean'),
    'categories': (lambda e: e.assign(item_id=e.item_id.astype('category')), TypeError, 'item_id holds categorical'), 'all None': (lambda e: e.assign(user_id=None), ValueError, 'user_id is None'),
    'infinite': (lambda e: e.assign(item_id=np.inf), ValueError, 'item_id is inf'), 'unknown session': (lambda e: e.assign(session_id=10 ** 6), ValueError, 'session_id is 1000000'),
    'session -1': (lambda e: e.assign(session_id=-1), ValueError, 'session_id is -1'), 'string session': (lambda e: e.assign(session_id='s1'), TypeError, 'session_id holds string'),
    'session of another user': (lambda e: e.assign(user_id=(e.user_id + 1) % 100), ValueError, 'is not one of user'),
    'before its session': (lambda e: e.assign(time=e.time - pd.Timedelta('1min')), ValueError, 'starts at'), 'a day after its session': (lambda e: e.assign(time=e.time + pd.Timedelta('1D')), ValueError, 'starts at'),
    'before the world': (lambda e: e.assign(time=np.datetime64('2023-12-31T23:59:59', 's')), ValueError, 'the world lasts 56 days'), 'after the world': (lambda e: e.assign(time=np.datetime64('2024-03-01', 's')), ValueError, 'time is 2024-03-01'),
    'no time': (lambda e: e.assign(time=np.datetime64('NaT', 's')), ValueError, 'time is NaT'), 'text time': (lambda e: e.assign(time='2024-01-10'), TypeError, 'time has dtype'),
    'Unix time': (lambda e: e.assign(time=1_704_888_000), TypeError, 'time has dtype int64'), 'zone': (lambda e: e.assign(time=e.time.dt.tz_localize('UTC')), TypeError, 'UTC]'),
    'Paris': (lambda e: e.assign(time=e.time.dt.tz_localize('Europe/Paris')), TypeError, 'Paris'), 'column twice': (lambda e: pd.concat([e, e[['item_id']]], axis=1), ValueError, 'item_id twice')}


@pytest.mark.parametrize('name', BAD_REQUESTS)
def test_bad_requests(name, world):
    first = world.log.events[~world.log.events.session_id.duplicated()][10:14].reset_index(drop=True)
    change, error, text = BAD_REQUESTS[name]
    refused(lambda: world.probability(change(first)), error, text)


FOUR, Y = pd.DataFrame({k: [.9, .4, .6, .2] for k in ('p_blind', 'p_best', 'p')}), [1, 1, 0, 0]
BAD_CEILINGS = {
    'truth None': (None, Y, 'truth has no column'), 'truth a list': ([.1, .2, .3, .4], Y, 'truth has no column'), 'p_best missing': (FOUR.drop(columns='p_best'), Y, 'no column p_best'), 'no rows': (FOUR[:0], [], 'no rows'),
    'y None': (FOUR, None, 'shape ()'), 'y short': (FOUR, [1, 0], 'shape (2,)'), 'y a column': (FOUR, np.array(Y)[:, None], 'shape (4, 1)'), 'one class': (FOUR, [0] * 4, 'only the class 0'), 'y NaN': (FOUR, [1, 0, np.nan, 0], 'got nan'),
    'y a probability': (FOUR, [1, 0, .5, 0], 'got 0.5'), 'y text': (FOUR, ['1', '0', '1', '0'], "got '1'"), 'y missing': (FOUR, pd.array([1, 0, pd.NA, 0], dtype='Int64'), 'got nan'), 'p NaN': (FOUR.assign(p=[.1, np.nan, .2, .3]), Y, 'got nan'),
    'p above 1': (FOUR.assign(p=[.1, 1.2, .2, .3]), Y, 'got 1.2'), 'p text': (FOUR.assign(p='high'), Y, 'p holds'), 'p a logit': (FOUR.assign(p=[-2, 1, 0, 3]), Y, 'got -2'),
    'p twice': (pd.concat([FOUR, FOUR[['p']]], axis=1), Y, 'truth has column p twice'),
    'reversed': (FOUR, pd.Series(Y)[::-1], 'row 0: truth has index 0, y has 3'), 'other rows': (FOUR[['p', 'p_best', 'p_blind']], pd.Series(Y, [0, 1, 7, 3]), 'row 2: truth has index 2, y has 7')}


@pytest.mark.parametrize('name', BAD_CEILINGS)
def test_bad_ceilings(name):
    truth, y, text = BAD_CEILINGS[name]
    refused(lambda: ceiling(truth, y), (ValueError, TypeError), text)


def test_ceiling_against_definitions(world):
    rows = slice(6_400, 8_000)
    y, t = world.log.events.interested[rows].to_numpy(), world.truth[rows]
    table = ceiling(t, y)
    assert list(table.index) == ['p_blind', 'p_best', 'p'] and list(table) == ['accuracy', 'auc', 'log_loss']
    for k in table.index:
        p = t[k].to_numpy()
        d = p[y == 1][:, None] - p[y == 0][None]
        by_hand = [((p > .5) == y).mean(), ((d > 0) + .5 * (d == 0)).mean(), -np.log(np.where(y, p, 1 - p)).mean()]
        np.testing.assert_allclose(table.loc[k], by_hand, rtol=1e-9)
    pd.testing.assert_frame_equal(ceiling(t, y.astype(bool)), table)
    pd.testing.assert_frame_equal(ceiling(t, list(y)), table)


def test_ceiling_goes_by_index_or_by_position():
    table, named = ceiling(FOUR, Y), FOUR.set_axis(list('abcd'))
    for truth, y in ((named, pd.Series(Y, list('abcd'))), (named, np.array(Y)), (FOUR, pd.Series(Y, [0., 1, 2, 3])), (FOUR.assign(more=1), pd.Series(Y))):
        pd.testing.assert_frame_equal(ceiling(truth, y), table)
    nan = [np.nan, 1, 2, 3]
    pd.testing.assert_frame_equal(ceiling(FOUR.set_axis(nan), pd.Series(Y, nan)), table)


def test_ceiling_of_a_sure_error_is_finite():
    sure = pd.DataFrame({k: [0., 1] for k in ('p_blind', 'p_best', 'p')})
    np.testing.assert_allclose(ceiling(sure, [1, 0]).log_loss, 36.04, atol=.01)


def test_small_integer_types_are_integers():
    "NumPy's small types would overflow in the arithmetic of the world."
    few = dict(n_users=9, n_items=11, n_events=100)
    for kind, days in ((np.int8, 127), (np.uint8, 200)):
        small, plain = make_world(**{k: kind(v) for k, v in few.items()}, days=kind(days), seed=kind(3)), make_world(**few, days=days, seed=3)
        assert digest(small) == digest(plain) and small.state.interest.shape == plain.state.interest.shape
        np.testing.assert_array_equal(small.probability(small.log.events), plain.truth.p)
    assert digest(make_world(**few, mood=np.int8(100), signal=np.int8(100), drift=np.float16(2))) == digest(make_world(**few, mood=100, signal=100, drift=2))


def test_world_is_frozen(world):
    assert isinstance(world, World)
    with pytest.raises(AttributeError): world.log = None
