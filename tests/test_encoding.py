"FeatureEncoder: bad input, a single row against a batch, scikit-learn as the oracle, damaged files, conventions."
import json, os, pickle, subprocess, sys, threading, zlib
from decimal import Decimal

import numpy as np, pandas as pd, pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, QuantileTransformer, StandardScaler

from interest_tutorial.encoding import FeatureEncoder

SCALINGS, ENCODINGS = ('standard', 'minmax', 'log', 'quantile'), ('onehot', 'ordinal', 'hash')


def frame(n=200, seed=0, missing=0.1):
    "Numbers of several kinds and sizes, and two categories, all with gaps."
    rng = np.random.default_rng(seed)
    F = pd.DataFrame({'price': rng.lognormal(3, 1, n), 'count': rng.integers(0, 5, n).astype(float), 'flag': rng.random(n) < 0.3, 'tiny': rng.random(n) * 1e-9,
                      'device': pd.Categorical(rng.choice(['phone', 'desktop'], n), ['tablet', 'phone', 'desktop']), 'genre': rng.choice(list('abcde'), n)})
    for c in ('price', 'count', 'device', 'genre'): F.loc[rng.random(n) < missing, c] = None
    return F.astype({'price': 'float32'})


GOOD = frame()
FITTED = FeatureEncoder().fit(GOOD)
ROW = GOOD.iloc[3].to_dict()

def changed(**columns): return GOOD.assign(**columns)
def row(**values): return FITTED.transform_row({**ROW, **values})
def fit(F, *a, **k): return FeatureEncoder(*a, **k).fit(F)


BAD = {
    'fit: None': (lambda: fit(None), TypeError, 'DataFrame, got NoneType'),
    'fit: array': (lambda: fit(np.zeros((3, 2))), TypeError, 'got ndarray'),
    'fit: no rows': (lambda: fit(GOOD.iloc[:0]), ValueError, 'no rows'),
    'fit: no columns': (lambda: fit(GOOD[[]]), ValueError, 'no column with a known value'),
    'fit: all missing': (lambda: fit(pd.DataFrame({'a': [np.nan, np.nan]})), ValueError, 'no column with a known value'),
    'fit: a column twice': (lambda: fit(pd.concat([GOOD, GOOD[['price']]], axis=1)), ValueError, "two columns called 'price'"),
    'fit: number as a name': (lambda: fit(GOOD.rename(columns={'price': 7})), ValueError, 'must be strings, got 7'),
    'fit: infinite': (lambda: fit(changed(price=np.r_[np.ones(199), np.inf])), ValueError, 'price is inf in row 199'),
    'fit: too large': (lambda: fit(changed(price=np.r_[1e300, np.ones(199)])), ValueError, r'price is 1e\+300 in row 0'),
    'fit: log of -1': (lambda: fit(changed(price=-1.), 'log'), ValueError, 'price: log scaling .* got -1.0'),
    'fit: times': (lambda: fit(changed(when=pd.date_range('2024', periods=200))), ValueError, 'when holds times'),
    'fit: times with a zone': (lambda: fit(changed(when=pd.date_range('2024', periods=200, tz='UTC'))), ValueError, 'when holds times'),
    'fit: durations': (lambda: fit(changed(gap=pd.to_timedelta(range(200), 's'))), ValueError, 'gap holds times'),
    'fit: complex': (lambda: fit(changed(c=1j)), ValueError, 'c: categories must be all text or all numbers'),
    'fit: text and numbers': (lambda: fit(changed(genre=['a', 1] * 100)), ValueError, "genre: categories must be all text or all numbers, got \\['a', 1, 'a', 1\\]"),
    'fit: lists': (lambda: fit(changed(genre=[[1]] * 200)), ValueError, 'genre: categories must be'),
    'fit: bytes': (lambda: fit(changed(genre=[b'a'] * 200)), ValueError, 'genre: categories must be'),
    'fit: dates in a category': (lambda: fit(changed(genre=pd.Categorical(pd.date_range('2024', periods=200)))), ValueError, 'genre: categories must be'),
    'fit: two names alike': (lambda: fit(changed(**{'genre=a': 1.})), ValueError, "would be called 'genre=a'"),
    'scaling: unknown': (lambda: fit(GOOD, 'robust'), ValueError, "unknown scaling 'robust', expected one of"),
    'scaling: None': (lambda: fit(GOOD, None), ValueError, 'unknown scaling None'),
    'scaling: list': (lambda: fit(GOOD, ['log']), ValueError, 'unknown scaling'),
    'scaling: unknown without numbers': (lambda: fit(GOOD[['genre']], 'robust'), ValueError, "unknown scaling 'robust'"),
    'scaling: unknown in a dict': (lambda: fit(GOOD, {'price': 'robust'}), ValueError, "price: unknown scaling 'robust'"),
    'scaling: of no column': (lambda: fit(GOOD, {'prize': 'log'}), ValueError, "scaling is set for 'prize'"),
    'scaling: of a category': (lambda: fit(GOOD, {'genre': 'log'}), ValueError, "scaling is set for 'genre'"),
    'encoding: unknown': (lambda: fit(GOOD, encoding='target'), ValueError, "unknown encoding 'target'"),
    'encoding: of a number': (lambda: fit(GOOD, encoding={'price': 'hash'}), ValueError, "encoding is set for 'price'"),
    **{f'n_buckets: {v!r}': (lambda v=v: fit(GOOD, n_buckets=v), ValueError, 'n_buckets must be an integer from 1 to 1048576, got') for v in (0, -1, 1.5, True, '8', None, 2**20 + 1, 10**12)},
    'transform: before fit': (lambda: FeatureEncoder().transform(GOOD), NotFittedError, 'not fitted'),
    'transform_row: before fit': (lambda: FeatureEncoder().transform_row(ROW), NotFittedError, 'not fitted'),
    'save: before fit': (lambda: FeatureEncoder().save('nowhere.json'), NotFittedError, 'not fitted'),
    'names: before fit': (lambda: FeatureEncoder().get_feature_names_out(), NotFittedError, 'not fitted'),
    'names: of other columns': (lambda: FITTED.get_feature_names_out(['a']), ValueError, 'input_features must be'),
    'transform: None': (lambda: FITTED.transform(None), TypeError, 'got NoneType'),
    'transform: lacking columns': (lambda: FITTED.transform(GOOD.drop(columns=['price', 'genre'])), ValueError, 'no column price, genre'),
    'transform: a column twice': (lambda: FITTED.transform(pd.concat([GOOD, GOOD[['genre']]], axis=1)), ValueError, "two columns called 'genre'"),
    'transform: infinite': (lambda: FITTED.transform(changed(price=-np.inf)), ValueError, 'price is -inf in row 0'),
    'transform: too large once scaled': (lambda: FITTED.transform(changed(tiny=1e36)), ValueError, r'tiny is 1e\+36 in row 0'),
    'transform: text for a number': (lambda: FITTED.transform(changed(price='3.5')), ValueError, "price is '3.5', expected a number"),
    'transform: text among numbers': (lambda: FITTED.transform(changed(price=[1., 'x'] * 100)), ValueError, "price is 'x', expected a number"),
    'transform: times for a number': (lambda: FITTED.transform(changed(price=pd.Timestamp('2024'))), ValueError, 'price is Timestamp'),
    'transform: text after a gap': (lambda: FITTED.transform(changed(price=pd.Series([pd.NaT, 2., '3.5', *[1.] * 197], dtype=object))), ValueError, "price is '3.5', expected a number"),
    'transform: Decimal': (lambda: FITTED.transform(changed(price=[2., Decimal(1)] * 100)), ValueError, r"price is Decimal\('1'\), expected a number"),
    'transform: huge integer': (lambda: FITTED.transform(changed(price=pd.Series([10**400] * 200, dtype=object))), ValueError, 'expected a number'),
    'transform: durations for a number': (lambda: FITTED.transform(changed(price=pd.Timedelta('1s'))), ValueError, 'price is Timedelta'),
    'hash: huge integer': (lambda: fit(pd.DataFrame({'c': pd.Categorical([1, 2])}), encoding='hash').transform(pd.DataFrame({'c': pd.Series([10**400], dtype=object)})), ValueError, 'c is 10+, expected a number that float64 holds'),
    'row: hash of a huge integer': (lambda: fit(pd.DataFrame({'c': pd.Categorical([1, 2])}), encoding='hash').transform_row({'c': 10**400}), ValueError, 'c is 10+, expected a number that float64 holds'),
    'transform: number for a category': (lambda: FITTED.transform(changed(genre=3)), ValueError, 'genre is 3, expected text'),
    'transform: lists for a category': (lambda: FITTED.transform(changed(genre=[['a']] * 200)), ValueError, 'genre: unhashable'),
    'transform: log of -1': (lambda: fit(GOOD[['price']], 'log').transform(changed(price=np.r_[1., -1., np.ones(198)])), ValueError, 'price is -1 in row 1, expected more than -1'),
    'row: None': (lambda: FITTED.transform_row(None), TypeError, 'row must be a dict by column name, got NoneType'),
    'row: list': (lambda: FITTED.transform_row([1, 2]), TypeError, 'row must be a dict by column name, got list'),
    'row: array': (lambda: FITTED.transform_row(np.zeros(6)), TypeError, 'got ndarray'),
    'row: frame': (lambda: FITTED.transform_row(GOOD.iloc[:1]), TypeError, 'got DataFrame'),
    'row: empty': (lambda: FITTED.transform_row({}), ValueError, 'row has no column price'),
    'row: no category': (lambda: FITTED.transform_row({k: v for k, v in ROW.items() if k != 'genre'}), ValueError, 'row has no column genre'),
    'row: infinite': (lambda: row(price=float('inf')), ValueError, 'price is inf in row 0'),
    'row: text for a number': (lambda: row(price='3.5'), ValueError, "price is '3.5', expected a number"),
    'row: bytes for a number': (lambda: row(price=b'3'), ValueError, "price is b'3', expected a number"),
    'row: Decimal': (lambda: row(price=Decimal(1)), ValueError, r"price is Decimal\('1'\), expected a number"),
    'row: duration for a number': (lambda: row(price=np.timedelta64(1, 's')), ValueError, 'price is np.timedelta64'),
    'row: list for a number': (lambda: row(price=[1.]), ValueError, r'price is \[1.0\], expected a number'),
    'row: dict for a number': (lambda: row(price={}), ValueError, 'price is {}, expected a number'),
    'row: time for a number': (lambda: row(price=pd.Timestamp('2024')), ValueError, 'price is Timestamp'),
    'row: huge integer': (lambda: row(price=10**400), ValueError, 'expected a number'),
    'row: number for a category': (lambda: row(genre=1), ValueError, 'genre is 1, expected text'),
    'row: list for a category': (lambda: row(genre=['a']), ValueError, r"genre is \['a'\], expected text"),
    'row: array for a category': (lambda: row(genre=np.array(['a', 'b'])), ValueError, 'genre is array'),
    'row: text for numbered categories': (lambda: fit(changed(genre=pd.Categorical([1, 2] * 100))).transform_row({**ROW, 'genre': '1'}), ValueError, "genre is '1', expected a number"),
    **{f'{name}: {path!r}': (lambda call=call, path=path: call(path), TypeError, f'path must be a text or a Path, got {type(path).__name__}')
       for name, call in (('save', FITTED.save), ('load', FeatureEncoder.load)) for path in (None, 3, b'e.json')},
    **{f'save: {path!r}': (lambda path=path: FITTED.save(path), IsADirectoryError, 'is a folder, expected a file') for path in ('.', '', '..', '/')},
    'row: log of -2': (lambda: fit(GOOD[['price']], 'log').transform_row({'price': -2}), ValueError, 'price is -2 in row 0, expected more than -1'),
}


@pytest.mark.parametrize('name', BAD)
def test_bad_input(name):
    call, kind, message = BAD[name]
    with pytest.raises(kind, match=message) as e: call()
    print(f'{name}: {type(e.value).__name__}: {e.value}')
    assert type(e.value).__name__ in ('NotFittedError', kind.__name__) and len(str(e.value)) < 500


# ---- a single row equals the batch, to the last bit
NUMBERS = st.one_of(st.none(), st.floats(0, 1e6, width=32), st.floats(-0.9, 10), st.sampled_from([0., 1., 1., 2., 1e-300, 1e30]))
TEXTS = st.one_of(st.none(), st.sampled_from(['a', 'b', 'c', '']), st.text(max_size=3))

@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(SCALINGS), st.sampled_from(ENCODINGS), st.integers(1, 12), st.integers(1, 5))
def test_row_equals_batch(data, scaling, encoding, n, buckets):
    columns = {f'x{j}': pd.Series(data.draw(st.lists(NUMBERS, min_size=n, max_size=n)), dtype='float64') for j in range(3)}
    columns |= {f'c{j}': pd.Series(data.draw(st.lists(TEXTS, min_size=n, max_size=n)), dtype='object') for j in range(2)}
    F = pd.DataFrame(columns)
    train = F.iloc[:max(1, n // 2)]
    if not train.notna().any().any(): return
    e = FeatureEncoder(scaling, encoding, buckets).fit(train)
    try: X = e.transform(F)
    except ValueError as error:      # training values of 0 and 1e-145 make 1 too large for float32: refused in a row too
        i = int(str(error).split(' in row ')[1].split(',')[0])
        with pytest.raises(ValueError, match='float32 holds'): e.transform_row(F.iloc[i].to_dict())
        return
    assert X.dtype == np.float32 and X.shape == (n, len(e.get_feature_names_out())) and np.isfinite(X).all()
    for i, r in enumerate(F.to_dict('records')): np.testing.assert_array_equal(e.transform_row(r), X[i], strict=True)
    if scaling in ('minmax', 'quantile'): assert (X[:len(train), :len(e.state_['numbers'])] >= 0).all() and (X[:len(train), :len(e.state_['numbers'])] <= 1).all()


@pytest.mark.parametrize('scaling', SCALINGS)
def test_blocks_equal_rows(scaling):
    "Around the borders of the blocks in which `transform` works, and one row as a frame."
    F = frame(2**16 + 50)
    e = FeatureEncoder(scaling).fit(F)
    X = e.transform(F)
    for i in [0, 1, 2**16 - 1, 2**16, 2**16 + 49]:
        np.testing.assert_array_equal(X[i], e.transform_row(F.iloc[i].to_dict()))
        np.testing.assert_array_equal(X[i:i + 1], e.transform(F.iloc[i:i + 1]))
    F.loc[2**16 + 7, 'count'] = np.inf
    with pytest.raises(ValueError, match=f'count is inf in row {2**16 + 7}'): e.transform(F)


# ---- scikit-learn as the oracle
@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('scaling, part', [('standard', StandardScaler()), ('minmax', MinMaxScaler()), ('quantile', QuantileTransformer(n_quantiles=101, subsample=None))])
def test_scikit_learn(scaling, part, seed):
    F, new = frame(500, seed), frame(500, seed + 100)
    numbers, categories = ['price', 'count', 'flag', 'tiny'], ['device', 'genre']
    as_float = lambda F: F.astype(dict.fromkeys(numbers, 'float64'))
    onehot = OneHotEncoder(categories=[['desktop', 'phone'], list('abcde')], handle_unknown='ignore', sparse_output=False,
                           feature_name_combiner=lambda name, value: f'{name}={value}')
    oracle = ColumnTransformer([('n', part, numbers), ('c', onehot, categories)], verbose_feature_names_out=False).fit(as_float(F))
    e = FeatureEncoder(scaling).fit(F)
    for G in (F, new):
        expected = oracle.transform(as_float(G))
        known = ~np.isnan(expected)
        np.testing.assert_allclose(e.transform(G)[known], expected[known], rtol=2e-7, atol=2e-7)
    assert e.get_feature_names_out().tolist() == oracle.get_feature_names_out().tolist()


def test_log_is_standard_after_log1p():
    F = frame(missing=0)[['price', 'count']]
    np.testing.assert_allclose(FeatureEncoder('log').fit_transform(F), StandardScaler().fit_transform(np.log1p(F.astype(float))), rtol=1e-6, atol=1e-6)


def test_ordinal_is_scikit_learns():
    F = frame()[['device', 'genre']]
    oracle = OrdinalEncoder(categories=[['desktop', 'phone'], list('abcde')], handle_unknown='use_encoded_value', unknown_value=-1, encoded_missing_value=-1)
    np.testing.assert_array_equal(FeatureEncoder(encoding='ordinal').fit_transform(F), oracle.fit_transform(F))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([-3., 0., 0., 1., 2., 2.5, 1e9]) | st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=300),
       st.lists(st.floats(-2e6, 2e6, allow_subnormal=False), max_size=20))          # between subnormal knots scikit-learn's answer is NaN
def test_quantile_with_ties(train, new):
    x = np.array(train)[:, None]
    oracle = QuantileTransformer(n_quantiles=min(101, len(x)), subsample=None).fit(x)
    e = FeatureEncoder('quantile').fit(pd.DataFrame({'x': train}))
    asked = np.array(train + new)
    np.testing.assert_allclose(e.transform(pd.DataFrame({'x': asked})), oracle.transform(asked[:, None]), atol=1e-7)


# ---- what columns may be
def test_kinds_of_columns():
    F = pd.DataFrame({'whole': pd.array([1, None, 3], 'Int64'), 'maybe': pd.array([True, None, False], 'boolean'), 'objects': np.array([1, None, 2.5], object),
                      'small': np.array([1, 2, 3], 'int8'), 'constant': 7., 'number': pd.Categorical([10, 20, None]), 'empty': [None] * 3})
    e = FeatureEncoder('minmax').fit(F)
    expected = [[0, 1, 0, 0, 0, 1, 0], [.5, .5, .5, .5, 0, 0, 1], [1, 0, 1, 1, 0, 0, 0]]
    np.testing.assert_array_equal(e.transform(F), np.array(expected, np.float32))
    assert e.dropped_ == ['empty'] and e.get_feature_names_out().tolist() == ['whole', 'maybe', 'objects', 'small', 'constant', 'number=10', 'number=20']
    for i, r in enumerate(F.to_dict('records')): np.testing.assert_array_equal(e.transform_row(r), e.transform(F)[i])
    for missing in (None, np.nan, pd.NA, pd.NaT): np.testing.assert_array_equal(e.transform_row(dict.fromkeys(F, missing)), np.float32([.5, .5, .5, .5, 0, 0, 0]))
    np.testing.assert_array_equal(e.transform(pd.DataFrame([dict.fromkeys(F)])), [np.float32([.5, .5, .5, .5, 0, 0, 0])])


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_equal_numbers_are_one_category(encoding):
    F = pd.DataFrame({'c': pd.Categorical([1, 2, 3])})
    e = FeatureEncoder(encoding=encoding).fit(F)
    for v in (2, 2., np.int8(2), np.float32(2)): np.testing.assert_array_equal(e.transform_row({'c': v}), e.transform(F)[1])


def test_unknown_and_missing_categories():
    e = FeatureEncoder(encoding={'genre': 'ordinal'}).fit(GOOD)
    assert (row(device='fridge', genre='?')[4:] == 0).all() and (row(device=None, genre=pd.NA)[4:] == 0).all()
    assert e.transform_row({**ROW, 'genre': 'zzz'})[-1] == -1 and e.transform_row({**ROW, 'genre': None})[-1] == -1
    assert 'device=phone' in e.get_feature_names_out() and 'device=tablet' not in e.get_feature_names_out()      # declared, never seen


def test_no_name_of_a_category_is_a_feature():
    "A category 'share' beside the feature `category_share`; buckets too."
    F = pd.DataFrame({'category_share': [.5, 1], 'category_0': [1., 2], 'category': ['share', 'music']})
    assert FeatureEncoder().fit(F).get_feature_names_out().tolist() == ['category_share', 'category_0', 'category=music', 'category=share']
    assert FeatureEncoder(encoding='hash', n_buckets=2).fit(F).get_feature_names_out().tolist() == ['category_share', 'category_0', 'category=0', 'category=1']


@pytest.mark.parametrize('values', [[True, 2.], [pd.NaT, 2.], [pd.NaT], [True], [None, np.bool_(False), 3], [np.datetime64('NaT', 's'), 1], [pd.NA, 1., pd.NaT]], ids=repr)
def test_numbers_are_the_same_in_a_row_and_a_batch(values):
    for dtype in (None, object):
        F = pd.DataFrame({'a': pd.Series(values, dtype=dtype)})
        for scaling in SCALINGS:
            e = FeatureEncoder(scaling).fit(pd.DataFrame({'a': [1., 2, 5]}))
            np.testing.assert_array_equal([e.transform_row({'a': v}) for v in values], e.transform(F), strict=True)
    objects = pd.DataFrame({'a': pd.Series([*values, 4., True], dtype=object)})
    assert FeatureEncoder().fit(objects).get_feature_names_out().tolist() == ['a']      # numbers in the fit too


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_any_text_is_a_category(encoding, tmp_path):
    "Half a surrogate pair cannot be written as UTF-8, and is a text all the same; other texts keep the CRC-32 of their UTF-8."
    F = pd.DataFrame({'c': pd.Series(['\ud800', 'a', '\u97f3', ''], dtype=object)})
    for e in (FeatureEncoder(encoding=encoding).fit(F), FeatureEncoder(encoding=encoding).fit(F.iloc[1:])):
        X = e.transform(F)
        for i, c in enumerate(F.c): np.testing.assert_array_equal(e.transform_row({'c': c}), X[i])
        e.save(tmp_path / 'e.json')
        np.testing.assert_array_equal(FeatureEncoder.load(tmp_path / 'e.json').transform(F), X)
        if encoding == 'hash': assert X.argmax(1)[1:].tolist() == [zlib.crc32(c.encode()) % 16 for c in F.c[1:]]


def test_ordered_categories_keep_their_order():
    F = pd.DataFrame({'size': pd.Categorical(['L', 'S', 'M', None], ['XS', 'S', 'M', 'L'], ordered=True)})
    e = FeatureEncoder(encoding='ordinal').fit(F)
    assert e.transform(F).ravel().tolist() == [2, 0, 1, -1] and e.transform_row({'size': 'M'}).tolist() == [1]
    assert FeatureEncoder(encoding='ordinal').fit_transform(F.astype('object')).ravel().tolist() == [0, 2, 1, -1]


def test_order_and_extra_columns_do_not_matter():
    np.testing.assert_array_equal(FITTED.transform(GOOD[GOOD.columns[::-1]].assign(more=object())), FITTED.transform(GOOD))


def test_no_rows():
    for s in SCALINGS: assert FeatureEncoder(s).fit(GOOD).transform(GOOD.iloc[:0]).shape == (0, 11)


def test_constant_and_single():
    for s, v in (('standard', 0), ('minmax', 0), ('log', 0), ('quantile', 0)):
        np.testing.assert_array_equal(FeatureEncoder(s).fit_transform(pd.DataFrame({'x': [3., 3.]})), [[v], [v]])
        assert np.isfinite(FeatureEncoder(s).fit_transform(pd.DataFrame({'x': [3.]}))).all()


def test_only_categories_and_only_numbers():
    assert FeatureEncoder().fit_transform(GOOD[['genre']]).shape == (200, 5)
    assert FeatureEncoder().fit_transform(GOOD[['price']]).shape == (200, 1)
    assert FeatureEncoder().fit(GOOD[['genre']]).transform_row({'genre': 'b'}).tolist() == [0, 1, 0, 0, 0]


def test_hash_is_the_same_in_another_process():
    code = 'import pandas as pd; from interest_tutorial.encoding import FeatureEncoder as E; print(E(encoding="hash").fit_transform(pd.DataFrame({"c": ["music", "sport"]})).argmax(1).tolist())'
    seen = {subprocess.run([sys.executable, '-c', code], env={**os.environ, 'PYTHONHASHSEED': s}, capture_output=True, text=True, check=True).stdout for s in '7'}
    assert seen == {'[10, 2]\n'}


def test_input_is_left_alone():
    F, r = GOOD.copy(), dict(ROW)
    FeatureEncoder('log').fit(F).transform(F); FITTED.transform_row(r)
    pd.testing.assert_frame_equal(F, GOOD)
    assert list(r) == list(ROW) and all(a is b for a, b in zip(r.values(), ROW.values()))


# ---- scikit-learn's conventions
def test_clone_params_repr_pickle():
    e = FeatureEncoder({'price': 'log'}, 'hash', 8).fit(GOOD)
    assert clone(e).get_params() == dict(scaling={'price': 'log'}, encoding='hash', n_buckets=8) and not hasattr(clone(e), 'state_')
    assert repr(FeatureEncoder()) == 'FeatureEncoder()' and 'n_buckets=8' in repr(e)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(e)).transform(GOOD), e.transform(GOOD))
    assert e.n_features_in_ == 6 and e.feature_names_in_.tolist() == list(GOOD) and e.set_params(n_buckets=4).fit(GOOD).transform(GOOD).shape[1] == 12


def test_pipeline_and_pandas_output():
    y = np.arange(200) % 2
    model = make_pipeline(FeatureEncoder(), LogisticRegression()).fit(GOOD, y)
    assert model.predict_proba(GOOD).shape == (200, 2) and len(model[:-1].get_feature_names_out()) == 11
    F = GOOD.set_axis(np.arange(200) + 1_000)
    X = FeatureEncoder().set_output(transform='pandas').fit(F).transform(F)
    assert X.columns.tolist() == FITTED.get_feature_names_out().tolist() and X.index.equals(F.index)
    np.testing.assert_array_equal(X.to_numpy(), FITTED.transform(GOOD))


def test_threads():
    rows, bad = GOOD.to_dict('records'), []
    e = FeatureEncoder('quantile').fit(GOOD)
    X = e.transform(GOOD)
    def work():
        for i, r in enumerate(rows):
            if not (e.transform_row(r) == X[i]).all(): bad.append(i)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads: t.start()
    for t in threads: t.join()
    assert not bad


# ---- files
@pytest.mark.parametrize('encoding', ENCODINGS)
@pytest.mark.parametrize('scaling', SCALINGS)
def test_saved_is_loaded(tmp_path, scaling, encoding):
    e = FeatureEncoder(scaling, encoding, np.int64(8)).fit(GOOD)
    e.save(tmp_path / 'e.json')
    e.save(str(tmp_path / 'e.json'))      # replaces
    again = FeatureEncoder.load(tmp_path / 'e.json')
    np.testing.assert_array_equal(again.transform(GOOD), e.transform(GOOD))
    np.testing.assert_array_equal(again.transform_row(ROW), e.transform_row(ROW))
    assert again.get_params() == e.get_params() and again.feature_names_in_.tolist() == list(GOOD) and again.dropped_ == e.dropped_
    assert [p.name for p in tmp_path.iterdir()] == ['e.json']


def test_later_edits_do_not_reach_the_file(tmp_path):
    "Settings and state are copied at `fit`."
    settings = {'price': 'log'}
    e = FeatureEncoder(settings, n_buckets=8).fit(GOOD)
    names, X = e.get_feature_names_out().tolist(), e.transform(GOOD)
    e.save(tmp_path / 'before.json')
    settings['price'] = 'minmax'
    e.set_params(n_buckets=4)
    e.state_['numbers'][0]['centre'] = 1e6
    e.state_['categories'][0]['values'].reverse()
    e.save(tmp_path / 'after.json')
    assert (tmp_path / 'after.json').read_bytes() == (tmp_path / 'before.json').read_bytes() and e.get_feature_names_out().tolist() == names
    again = FeatureEncoder.load(tmp_path / 'after.json')
    assert again.get_params() == dict(scaling={'price': 'log'}, encoding='onehot', n_buckets=8) and again.state_['numbers'][0]['scaling'] == 'log'
    for f in (e, again): np.testing.assert_array_equal(f.transform(GOOD), X)


@pytest.mark.skipif(os.name == 'nt', reason='modes and links of POSIX')
def test_save_follows_a_link_and_keeps_the_mode(tmp_path, monkeypatch):
    target, link, synced = tmp_path / 'real' / 'e.json', tmp_path / 'link.json', []
    target.parent.mkdir()
    link.symlink_to(target)
    fsync = os.fsync
    monkeypatch.setattr(os, 'fsync', lambda f: (synced.append(f), fsync(f)))
    FITTED.save(link)      # the target is not there yet
    target.chmod(0o640)
    FeatureEncoder('minmax').fit(GOOD).save(link)
    assert link.is_symlink() and target.stat().st_mode & 0o777 == 0o640 and len(synced) == 2
    assert FeatureEncoder.load(target).scaling == 'minmax' and [p.name for p in target.parent.iterdir()] == ['e.json']


def damaged(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))

DAMAGE = {
    'empty': (lambda p: p.write_text(''), 'not an encoder saved by this package, or cut short'),
    'cut short': (lambda p: p.write_text(p.read_text()[:-50]), 'or cut short'),
    'not text': (lambda p: p.write_bytes(b'\xff\xfe\x00'), 'not an encoder'),
    'other JSON': (lambda p: p.write_text('[1, 2]'), 'not an encoder saved by this package'),
    'other dict': (lambda p: p.write_text('{"format": "x"}'), 'not an encoder saved by this package'),
    'newer': (lambda p: damaged(p, lambda c: c.update(format_version=2)), 'format version 2, this package reads 1'),
    'no version': (lambda p: damaged(p, lambda c: c.pop('format_version')), 'format version None'),
    'no checksum': (lambda p: damaged(p, lambda c: c.pop('sha256')), 'damaged'),
    'no state': (lambda p: damaged(p, lambda c: c.pop('state')), 'damaged'),
    'a digit of a number': (lambda p: damaged(p, lambda c: c['state']['numbers'][0].update(centre=c['state']['numbers'][0]['centre'] + 1e-9)), 'damaged'),
    'a setting': (lambda p: damaged(p, lambda c: c['params'].update(n_buckets=17)), 'damaged'),
    'a column': (lambda p: damaged(p, lambda c: c['columns'].reverse()), 'damaged'),
}

@pytest.mark.parametrize('name', DAMAGE)
def test_damage_is_detected(tmp_path, name):
    path = tmp_path / 'e.json'
    FITTED.save(path)
    FeatureEncoder.load(path)
    change, message = DAMAGE[name]
    change(path)
    with pytest.raises(ValueError, match=message) as e: FeatureEncoder.load(path)
    print(f'{name}: {str(e.value).replace(str(tmp_path), "")}')


def test_every_changed_digit_of_the_state(tmp_path):
    path = tmp_path / 'e.json'
    FITTED.save(path)
    text, X = path.read_text(), FITTED.transform(GOOD)
    for i in [k for k, c in enumerate(text) if c.isdigit()][::7]:
        path.write_text(text[:i] + str((int(text[i]) + 1) % 10) + text[i + 1:])
        try: e = FeatureEncoder.load(path)
        except ValueError: continue
        np.testing.assert_array_equal(e.transform(GOOD), X)      # a last digit that names the same float


def test_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match='no folder'): FITTED.save(tmp_path / 'none' / 'e.json')
    with pytest.raises(FileNotFoundError): FeatureEncoder.load(tmp_path / 'e.json')
    with pytest.raises(OSError): FITTED.save(tmp_path)
    assert not list(tmp_path.iterdir()) and not list(tmp_path.parent.glob('*.tmp'))


def test_closed_folder(tmp_path, monkeypatch):
    def closed(*a, **k): raise PermissionError(13, 'Permission denied')      # a superuser may write everywhere, so it is played
    monkeypatch.setattr('pathlib.Path.open', closed)
    with pytest.raises(PermissionError, match='Permission denied'): FITTED.save(tmp_path / 'e.json')
    assert not list(tmp_path.iterdir())


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'e.json'
    FITTED.save(path)
    old = path.read_bytes()
    def full(*a): raise OSError(28, 'No space left on device')
    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OSError): FeatureEncoder('minmax').fit(GOOD).save(path)
    assert path.read_bytes() == old and [p.name for p in tmp_path.iterdir()] == ['e.json']
