"""`interest_tutorial.features` against a per-row oracle in plain Python; the past never changes; bad inputs and what they are told.

Run with `-s` to read every message."""
import math

import hypothesis.strategies as st
import numpy as np, pandas as pd, pytest
from hypothesis import HealthCheck, given, settings

from interest_tutorial.behaviour import BehaviourLog
from interest_tutorial.features import Split, behaviour_features, split_by_time
from interest_tutorial.world import make_world
from refusals import refused

COLUMNS = ['log_user_count', 'log_item_count', 'log_user_category_count', 'user_rate', 'item_rate', 'user_category_rate', 'category_share', 'hours_since_last',
           'log_position', 'log_price', 'price_gap', 'age', 'hour_sin', 'hour_cos', 'weekend', 'device', 'category']
START = 1_704_412_800              # Friday, 5 January 2024, 00:00 UTC
STEP = 4 * 3_600 + 7               # seconds between the possible times: a log crosses midnights and a weekend
many = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


# ---- the oracle: one row at a time, lists of dicts, no pandas, no NumPy
def missing(v): return v is None or v is pd.NA or v != v


def plain(frame): return [{c: (None if missing(v) else v) for c, v in r.items()} for r in frame.to_dict('records')]


def unix(t): return int(t.timestamp())


def features_of(r, events, items, users):
    "The 17 features of one row, `None` where nothing is known."
    item = lambda e: items.get(e['item_id'], {})
    category, log_price = lambda e: item(e).get('category'), lambda e: None if item(e).get('price') is None else math.log(item(e)['price'])
    now = unix(r['time'])
    shown = [e for e in events if unix(e['time']) < now]
    known = [e for e in events if unix(e.get('feedback_time') or e['time']) < now]
    pair = lambda e: e['user_id'] == r['user_id'] and category(e) == category(r)
    mine = [e for e in shown if e['user_id'] == r['user_id']]
    def rate(rows, weight, prior): return (sum(e['interested'] for e in rows) + weight * prior) / (len(rows) + weight)
    everyone = rate(known, 2, 0.5)
    user = rate([e for e in known if e['user_id'] == r['user_id']], 10, everyone)
    liked = [log_price(e) for e in known if e['user_id'] == r['user_id'] and e['interested'] and log_price(e) is not None]
    session, turn = r.get('session_id'), 2 * math.pi * (now % 86_400) / 86_400
    return [math.log1p(len(mine)), math.log1p(sum(e['item_id'] == r['item_id'] for e in shown)), math.log1p(sum(map(pair, shown))),
            user, rate([e for e in known if e['item_id'] == r['item_id']], 10, everyone), rate([e for e in known if pair(e)], 4, user),
            sum(map(pair, mine)) / len(mine) if mine else None, (now - max(unix(e['time']) for e in mine)) / 3_600 if mine else None,
            None if session is None else math.log1p(sum(e.get('session_id') == session for e in shown)),
            log_price(r), log_price(r) - sum(liked) / len(liked) if liked and log_price(r) is not None else None,
            users.get(r['user_id'], {}).get('age'), math.sin(turn), math.cos(turn), float(r['time'].weekday() >= 5), r.get('device'), category(r)]


def oracle(log, asked):
    events = plain(log.events)
    items, users = {i['item_id']: i for i in plain(log.items)}, {u['user_id']: u for u in plain(log.users)}
    return [features_of(r, events, items, users) for r in plain(asked)]


def agree(F, expected):
    assert list(F.columns) == COLUMNS and len(F) == len(expected)
    for j, c in enumerate(COLUMNS):
        want = [row[j] for row in expected]
        if c in ('device', 'category'): assert [None if missing(v) else v for v in F[c]] == want, c
        else:
            assert F[c].dtype == 'float32'
            np.testing.assert_allclose(F[c].to_numpy(float), [math.nan if v is None else v for v in want], rtol=1e-5, atol=1e-5, err_msg=c)


# ---- random logs
@st.composite
def logs(draw, least=1, most=24):
    n = draw(st.integers(least, most))
    column = lambda s: draw(st.lists(s, min_size=n, max_size=n))
    name = draw(st.sampled_from([lambda k: k, lambda k: f'u{k}']))               # identifiers are integers or strings
    time = np.array(sorted(column(st.integers(0, 12))))
    e = pd.DataFrame(dict(event_id=np.arange(n), user_id=[name(k) for k in column(st.integers(0, 3))], item_id=column(st.integers(0, 5)),
                          time=(START + STEP * time).astype('datetime64[s]'), interested=np.array(column(st.integers(0, 1)), 'int8')))
    if draw(st.booleans()): e['session_id'] = pd.array(column(st.sampled_from([5, 6, None])), dtype='Int64')
    if draw(st.booleans()): e['device'] = pd.Categorical(column(st.sampled_from(['phone', 'desktop', None])), categories=['phone', 'desktop'])
    if draw(st.booleans()): e['feedback_time'] = (START + STEP * (time + column(st.integers(0, 4)))).astype('datetime64[s]')
    k = 6 if draw(st.booleans()) else 4                                          # with 4, two items of the events are not in the table
    items = pd.DataFrame(dict(item_id=np.arange(k), title='', category=pd.Series(draw(st.lists(st.sampled_from(['a', 'b', None]), min_size=k, max_size=k)), dtype='str'),
                              price=np.array(draw(st.lists(st.sampled_from([0.01, 3., 250., None]), min_size=k, max_size=k)), float)))
    users = pd.DataFrame(dict(user_id=[name(j) for j in range(3)], age=[20., np.nan, 71.]))
    return BehaviourLog(e, items, users)


@st.composite
def logs_and_requests(draw):
    log = draw(logs())
    n = draw(st.integers(0, 8))
    users, items = log.events.user_id.tolist(), log.events.item_id.tolist()
    cold = 'cold' if isinstance(users[0], str) else 99
    r = pd.DataFrame(dict(user_id=pd.Series([draw(st.sampled_from(users + [cold])) for _ in range(n)], dtype=log.events.user_id.dtype),
                          item_id=np.array([draw(st.sampled_from(items + [77])) for _ in range(n)], 'int64'),
                          time=np.array([START + STEP * draw(st.integers(-2, 14)) for _ in range(n)], 'int64').astype('datetime64[s]')))
    if draw(st.booleans()): r['session_id'] = pd.array([draw(st.sampled_from([5, 9, None])) for _ in range(n)], dtype='Int64')
    if 'session_id' not in log.events or 'session_id' not in r: r = r.drop(columns='session_id', errors='ignore')
    return log, r


@many
@given(logs())
def test_all_columns_equal_the_oracle(log):
    agree(behaviour_features(log), oracle(log, log.events))


@many
@given(logs_and_requests())
def test_requests_in_any_order_equal_the_oracle(pair):
    log, requests = pair
    F = behaviour_features(log, requests)
    agree(F, oracle(log, requests))
    pd.testing.assert_series_equal(F.dtypes, behaviour_features(log).dtypes)


@many
@given(logs(least=2), st.data())
def test_later_rows_cannot_change_earlier_ones(log, data):
    "Rows after a cut are removed, or their users, items and answers changed: not one bit before the cut moves."
    e, F = log.events, behaviour_features(log)
    cut = data.draw(st.integers(1, len(e) - 1))
    while cut < len(e) and e.time.iloc[cut] == e.time.iloc[cut - 1]: cut += 1    # a tie with the last row kept is no later row, but blind to it all the same
    later = np.arange(len(e)) >= cut
    forged = e.assign(interested=np.where(later, 1 - e.interested, e.interested).astype('int8'), item_id=np.where(later, 5 - e.item_id, e.item_id))
    for changed in (e[:cut], forged):
        pd.testing.assert_frame_equal(behaviour_features(BehaviourLog(changed, log.items, log.users))[:cut], F[:cut], check_exact=True)


@many
@given(logs())
def test_ties_do_not_see_each_other(log):
    "Within one second the order of the rows means nothing."
    e = log.events
    mixed = e.iloc[np.lexsort((-e.event_id.to_numpy(), e.time.to_numpy()))].reset_index(drop=True)
    F = behaviour_features(BehaviourLog(mixed.assign(event_id=np.arange(len(e))), log.items, log.users))
    F.index = mixed.event_id
    pd.testing.assert_frame_equal(F.sort_index(), behaviour_features(log), check_exact=True, check_names=False)


@pytest.fixture(scope='module')
def world(): return make_world(seed=1, n_events=2_000)


def test_same_log_same_bits_and_input_untouched(world):
    before = world.log.events.copy(deep=True)
    pd.testing.assert_frame_equal(behaviour_features(world.log), behaviour_features(world.log), check_exact=True)
    pd.testing.assert_frame_equal(world.log.events, before, check_exact=True)


def test_a_request_gets_what_its_event_gets(world):
    e, F = world.log.events, behaviour_features(world.log)
    for i in (0, 1, 700, 1_999):
        request = e.loc[[i], ['user_id', 'item_id', 'time', 'session_id', 'device']]
        for rows in (e, e[:max(i, 1)]): pd.testing.assert_frame_equal(behaviour_features(BehaviourLog(rows, world.log.items, world.log.users), request), F.loc[[i]], check_exact=True)
    mixed = e.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(behaviour_features(world.log, mixed), F.loc[mixed.index], check_exact=True)


def test_late_feedback_moves_rates_not_counts(world):
    e, F = world.log.events, behaviour_features(world.log)
    late = behaviour_features(BehaviourLog(e.assign(feedback_time=e.time + np.timedelta64(1, 'D')), world.log.items, world.log.users))
    labels = ['user_rate', 'item_rate', 'user_category_rate', 'price_gap']
    pd.testing.assert_frame_equal(late.drop(columns=labels), F.drop(columns=labels), check_exact=True)
    for c in labels: assert not late[c].equals(F[c])


def test_no_requests(world):
    F = behaviour_features(world.log, world.log.events.head(0))
    assert F.shape == (0, 17) and F.dtypes.equals(behaviour_features(world.log).dtypes)


# ---- the split
def test_split_equals_what_keras_takes():
    events = pd.DataFrame({'time': np.zeros(3_000, 'datetime64[s]')})
    for n in range(5, 3_001):
        s = split_by_time(events[:n])
        before = n - len(s.test)
        assert len(s.test) == round(n * 0.2) and len(s.train) == math.floor(before * (1 - 0.2)) and len(s.validation) == before - len(s.train)
        assert s.train[0] == 0 and s.validation[0] == len(s.train) and s.test[0] == before and s.test[-1] == n - 1
    assert isinstance(s, Split) and s.train.dtype == s.validation.dtype == s.test.dtype == np.int64


def stamps(*seconds): return pd.DataFrame({'time': np.array(seconds, 'datetime64[s]')})
TEN = stamps(*range(10))


@pytest.mark.parametrize('arguments, error, word', [
    (dict(events=TEN, validation=0), ValueError, 'validation must lie between 0 and 1, got 0'),
    (dict(events=TEN, validation=1), ValueError, 'got 1'),
    (dict(events=TEN, test=0.), ValueError, 'test must lie between 0 and 1, got 0.0'),
    (dict(events=TEN, test=1), ValueError, 'got 1'),
    (dict(events=TEN, test=-0.2), ValueError, 'got -0.2'),
    (dict(events=TEN, test=math.nan), ValueError, 'got nan'),
    (dict(events=TEN, test=math.inf), ValueError, 'got inf'),
    (dict(events=TEN, test='0.2'), TypeError, "got '0.2'"),
    (dict(events=TEN, validation=None), TypeError, 'got None'),
    (dict(events=TEN, validation=True), TypeError, 'got True'),
    (dict(events=stamps()), ValueError, '0 rows are too few'),
    (dict(events=stamps(1)), ValueError, '1 rows are too few'),
    (dict(events=stamps(1, 2)), ValueError, '2 rows are too few'),
    (dict(events=TEN, test=0.01), ValueError, 'too few'),
    (dict(events=TEN, validation=0.99), ValueError, 'too few'),
    (dict(events=stamps(1, 3, 2, 4, 5)), ValueError, 'row 2: time is 1970-01-01 00:00:02, expected rows sorted by time'),
    (dict(events=stamps(1, 2, 'NaT', 4, 5)), ValueError, 'row 2: time is missing'),
    (dict(events=pd.DataFrame({'time': [1, 2, 3, 4, 5]})), ValueError, 'dtype int64'),
    (dict(events=pd.DataFrame({'when': [1, 2]})), ValueError, 'one column time, got 0'),
    (dict(events=pd.DataFrame([[0, 0]], columns=['time', 'time'])), ValueError, 'one column time, got 2'),
    (dict(events=pd.DataFrame({'time': pd.date_range('2024', periods=9, tz='UTC')})), ValueError, 'UTC without a zone'),
    (dict(events=[1, 2, 3]), TypeError, 'got list'),
    (dict(events=None), TypeError, 'got NoneType')])
def test_split_refuses(arguments, error, word):
    refused(lambda: split_by_time(**arguments), error, word)


# ---- bad inputs of behaviour_features
@pytest.mark.parametrize('log', [None, 3, 'log', pd.DataFrame(), {}])
def test_refuses_what_is_no_log(log):
    refused(lambda: behaviour_features(log), TypeError, 'log must be a BehaviourLog')


@pytest.mark.parametrize('part, change, error, word', [
    ('events', lambda t: None, TypeError, 'events must be a pandas DataFrame, got NoneType'),
    ('events', lambda t: t.head(0), ValueError, 'there are no rows'),
    ('events', lambda t: t.drop(columns='interested'), ValueError, 'column interested is missing'),
    ('events', lambda t: t.assign(interested=np.int8(2)), ValueError, 'interested is 2'),
    ('events', lambda t: t.iloc[::-1], ValueError, 'sorted by time'),
    ('events', lambda t: t.assign(feedback_time=t.time - np.timedelta64(1, 's')), ValueError, 'feedback_time'),
    ('items', lambda t: [], TypeError, 'log.items must be a pandas DataFrame, got list'),
    ('items', lambda t: t.drop(columns='item_id'), ValueError, 'column item_id is missing'),
    ('items', lambda t: pd.concat([t, t[['price']]], axis=1), ValueError, 'column price stands there twice'),
    ('items', lambda t: pd.concat([t, t.head(1)]), ValueError, 'row 200: item_id is 0, expected one row per item_id'),
    ('items', lambda t: t.assign(item_id=t.item_id.astype('str')), ValueError, 'they would never match'),
    ('items', lambda t: t.assign(price=0.), ValueError, 'price is 0.0, expected a positive number'),
    ('items', lambda t: t.assign(price=-t.price), ValueError, 'expected a positive number'),
    ('items', lambda t: t.assign(price=np.inf), ValueError, 'price is inf'),
    ('items', lambda t: t.assign(price='cheap'), ValueError, 'expected numbers'),
    ('users', lambda t: None, TypeError, 'log.users must be a pandas DataFrame, got NoneType'),
    ('users', lambda t: t.assign(user_id=None), ValueError, 'user_id is missing'),
    ('users', lambda t: pd.concat([t, t]), ValueError, 'expected one row per user_id'),
    ('items', lambda t: t.assign(category=[1, '1'] * (len(t) // 2)), ValueError, 'all text or all whole numbers'),
    ('items', lambda t: t.assign(category=0.5), ValueError, 'got [0.5]'),
    ('events', lambda t: t.assign(device=pd.Categorical([1, 'b'] * (len(t) // 2))), ValueError, 'column device'),
    ('users', lambda t: t.assign(age=150), ValueError, 'age is 150'),
    ('users', lambda t: t.assign(age='old'), ValueError, 'column age')])
def test_refuses_a_bad_log(world, part, change, error, word):
    parts = dict(events=world.log.events, items=world.log.items, users=world.log.users)
    refused(lambda: behaviour_features(BehaviourLog(**parts | {part: change(parts[part])})), error, word)


@pytest.mark.parametrize('change, error, word', [
    (lambda r: 7, TypeError, 'requests must be a pandas DataFrame or None, got int'),
    (lambda r: r.to_dict('list'), TypeError, 'got dict'),
    (lambda r: r.drop(columns=['user_id', 'time']), ValueError, 'column user_id is missing\n- column time is missing'),
    (lambda r: pd.concat([r, r[['time']]], axis=1), ValueError, 'column time stands there twice'),
    (lambda r: r.assign(time=r.time.dt.tz_localize('UTC')), ValueError, 'expected UTC without a zone'),
    (lambda r: r.assign(user_id=np.uint64(2**63 + 5)), ValueError, 'expected an integer below 2^63'),
    (lambda r: r.assign(device=[['phone']] * len(r)), ValueError, 'column device'),
    (lambda r: r.assign(time=r.time.astype('str')), ValueError, 'expected datetime64[s]'),
    (lambda r: r.assign(time=1.7e9), ValueError, 'expected datetime64[s]'),
    (lambda r: r.assign(time=r.time.where(r.index != 2)), ValueError, 'row 2: time is missing'),
    (lambda r: r.assign(user_id=r.user_id.astype('Int64').where(r.index != 1)), ValueError, 'row 1: user_id is missing'),
    (lambda r: r.assign(user_id=r.user_id.astype('str')), ValueError, 'column user_id holds strings, that of the events integers'),
    (lambda r: r.assign(item_id=0.5), ValueError, 'column item_id has dtype float64'),
    (lambda r: r.assign(session_id='first'), ValueError, 'column session_id holds strings')])
def test_refuses_bad_requests(world, change, error, word):
    requests = world.log.events[['user_id', 'item_id', 'time', 'session_id', 'device']].head(5)
    refused(lambda: behaviour_features(world.log, change(requests)), error, word)


@pytest.mark.parametrize('change', [
    lambda r: r.assign(user_id=10 ** 12, item_id=-1), lambda r: r.drop(columns=['session_id', 'device']), lambda r: r.assign(session_id=pd.NA), lambda r: r.assign(device='fridge'),
    lambda r: r.assign(device=None), lambda r: r.iloc[::-1], lambda r: r.set_index(pd.Index(list('abcde'))), lambda r: r.set_index(pd.Index([1, 1, 1, 1, 1])),
    lambda r: r.assign(time=np.datetime64('1970-01-01', 's')), lambda r: r.assign(time=np.datetime64('2199-01-01', 's')), lambda r: r.assign(extra=1)])
def test_accepts_odd_requests(world, change):
    requests = change(world.log.events[['user_id', 'item_id', 'time', 'session_id', 'device']].head(5))
    F = behaviour_features(world.log, requests)
    assert F.shape == (5, 17) and F.index.equals(requests.index) and F.dtypes.equals(behaviour_features(world.log).dtypes)
    assert not np.isinf(F.select_dtypes('float32')).any().any()


@pytest.mark.parametrize('items', [
    lambda t: t.drop(columns=['category', 'price', 'title']), lambda t: t.assign(category=None, price=np.nan), lambda t: t.head(0),
    lambda t: t.assign(category=t.category.astype('category')), lambda t: t.assign(category=3), lambda t: t.assign(price=pd.array([None] * len(t), dtype='Int64'))])
def test_accepts_poor_items(world, items):
    F = behaviour_features(BehaviourLog(world.log.events, items(world.log.items), world.log.users.head(0)))
    assert F.shape == (2_000, 17) and F.age.isna().all()


def test_times_of_requests_are_floored(world):
    r = world.log.events.iloc[[50]]
    finer = r.assign(time=r.time.astype('datetime64[ns]') + np.timedelta64(999_999_999, 'ns'))
    pd.testing.assert_frame_equal(behaviour_features(world.log, finer), behaviour_features(world.log, r))


def test_whole_numbers_as_categories_keep_their_names(world):
    "A missing category turns the integers of a column into floats: 10 and 10.0 are the same category."
    log, numbers = world.log, world.log.items.category.map({c: 10 * i for i, c in enumerate(sorted(world.log.items.category.unique()))})
    whole = behaviour_features(BehaviourLog(log.events, log.items.assign(category=numbers), log.users))
    gap = behaviour_features(BehaviourLog(log.events, log.items.assign(category=numbers.where(log.items.index > 0)), log.users))
    assert list(whole.category.cat.categories) == list(gap.category.cat.categories)
    assert (whole.category[gap.category.notna()] == gap.category[gap.category.notna()]).all() and gap.category.isna().any()


def test_large_identifiers_of_two_integer_types_do_not_meet(world):
    log, far = world.log, 2 ** 53
    events, users = log.events.assign(user_id=log.events.user_id + far), log.users.assign(user_id=log.users.user_id + far)
    big, last = BehaviourLog(events, log.items, users), events.iloc[[-1]]
    same = behaviour_features(big, last.assign(user_id=last.user_id.astype('uint64')))
    pd.testing.assert_frame_equal(same, behaviour_features(big, last))
    stranger = behaviour_features(big, last.assign(user_id=np.array([far + 99_999], 'uint64')))
    assert stranger.log_user_count.item() == 0 and stranger.age.isna().all()


def test_memory_does_not_grow_with_users_times_categories():
    n = 20_000                                             # an array of all pairs would have 4e8 entries
    row = np.arange(n)
    events = pd.DataFrame(dict(event_id=row, user_id=row, item_id=row, time=row.astype('datetime64[s]'), interested=(row % 2).astype('int8')))
    items = pd.DataFrame(dict(item_id=row, category=[f'c{i}' for i in row]))
    import tracemalloc
    tracemalloc.start()
    behaviour_features(BehaviourLog(events, items, pd.DataFrame(dict(user_id=row))))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6, peak
