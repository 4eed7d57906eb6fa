"""Bad inputs of `interest_tutorial.behaviour` and what they are told; odd but valid ones; a round trip through a CSV file.

Run with `-s` to read every message."""
import os, shutil
from pathlib import Path

import hypothesis.strategies as st
import numpy as np, pandas as pd, pooch, pytest
from hypothesis import HealthCheck, given, settings

from interest_tutorial import behaviour
from interest_tutorial.behaviour import BehaviourLog, check_events, load_movielens, read_events
from refusals import refused

DATA = Path(os.environ.get('INTEREST_TUTORIAL_DATA', '')) / 'ml-latest-small'
needs_data = pytest.mark.skipif(not os.environ.get('INTEREST_TUTORIAL_DATA') or not DATA.is_dir(), reason='INTEREST_TUTORIAL_DATA names no MovieLens folder')


def seconds(*values):
    return np.array(values, 'datetime64[s]')


def frame(**changed):
    "Three good events, with some columns changed (`None`: left out)."
    columns = dict(event_id=[0, 1, 2], user_id=['Ana', 'Bo', 'Ana'], item_id=[7, 7, 8], session_id=pd.array([1, pd.NA, 1], 'Int64'),
                   time=seconds(10, 10, 20), feedback_time=seconds(10, 15, 20), device=pd.Categorical(['phone', None, 'desk']),
                   propensity=[0.5, np.nan, 1.0], interested=np.array([1, 0, 1], 'int8')) | changed
    return pd.DataFrame({c: v for c, v in columns.items() if v is not None})
    assert len(message) < 3000


# ---- check_events

@pytest.mark.parametrize('events', [
    frame(), frame(session_id=None), frame(feedback_time=None, device=None, propensity=None), frame(extra=['a', None, 3]),
    frame(session_id=[np.nan] * 3), frame(event_id=['a', 'b', 'c']), frame(user_id=pd.array([1, 2, 3], 'Int64')), frame().set_index('user_id', drop=False),
    frame(interested=np.array([0, 0, 0])), frame(feedback_time=seconds(10, 10, 20))], ids=range(10))
def test_check_events_returns_the_frame(events):
    assert check_events(events) is events


def test_requests_need_no_answers():
    requests = frame(interested=None, feedback_time=None, propensity=None)
    assert check_events(requests, labelled=False) is requests
    assert check_events(frame(interested=[5, 5, 5], propensity=[9, 9, 9]), labelled=False) is not None      # answers are not looked at


BAD_FRAMES = {
    'None': (None, TypeError, ['DataFrame', 'NoneType']),
    'list': ([1, 2], TypeError, ['DataFrame', 'list']),
    'path': ('events.csv', TypeError, ['DataFrame', 'str']),
    'series': (frame().time, TypeError, ['Series']),
    'log': (BehaviourLog(frame(), None, None), TypeError, ['BehaviourLog']),
    'empty frame': (pd.DataFrame(), ValueError, ['column event_id is missing', 'column interested is missing']),
    'no rows': (frame().iloc[:0], ValueError, ['no rows']),
    'missing column': (frame(item_id=None), ValueError, ['column item_id is missing']),
    'missing columns': (frame(item_id=None, interested=None), ValueError, ['column item_id is missing', 'column interested is missing']),
    'column twice': (pd.concat([frame(), frame()[['time']]], axis=1), ValueError, ['column time stands there twice']),
    'float id': (frame(user_id=[1.0, 2.0, 3.0]), ValueError, ['column user_id has dtype float64', 'integers or strings']),
    'missing id': (frame(user_id=['Ana', None, 'Ana']), ValueError, ['row 1: user_id is missing']),
    'nan id': (frame(item_id=[7, np.nan, 8]), ValueError, ['row 1: item_id is missing']),
    'mixed id': (frame(item_id=[7, 'b', 8]), ValueError, ['column item_id has dtype object']),
    'list id': (frame(item_id=[[7], [7], [8]]), ValueError, ['column item_id has dtype object']),
    'category id': (frame(item_id=pd.Categorical(['a', 'b', 'c'])), ValueError, ['column item_id has dtype category']),
    'bool id': (frame(event_id=[True, False, True]), ValueError, ['column event_id has dtype bool']),
    'float session': (frame(session_id=[1.0, np.nan, 1.0]), ValueError, ['column session_id has dtype float64', 'Int64']),
    'duplicated id': (frame(event_id=[0, 0, 2]), ValueError, ['row 1: event_id is 0', 'no row before']),
    'unsorted': (frame(time=seconds(10, 5, 20)), ValueError, ['row 1: time is 1970-01-01 00:00:05', 'sorted by time']),
    'unsorted ties': (frame(event_id=[1, 0, 2]), ValueError, ['row 1: time is', 'then event_id']),
    'zone': (frame(time=pd.to_datetime([10, 10, 20], unit='s', utc=True)), ValueError, ['UTC', 'without a zone', 'tz_localize(None)']),
    'text time': (frame(time=['2026-01-01'] * 3), ValueError, ['column time has dtype', 'datetime64[s]']),
    'integer time': (frame(time=[1, 2, 3]), ValueError, ['column time has dtype int64']),
    'nanoseconds': (frame(time=seconds(10, 10, 20).astype('datetime64[ns]')), ValueError, ['datetime64[ns]', 'expected datetime64[s]']),
    'missing time': (frame(time=seconds(10, 'NaT', 20)), ValueError, ['row 1: time is missing']),
    'label 2': (frame(interested=np.array([1, 2, 1], 'int8')), ValueError, ['row 1: interested is 2', '0 or 1']),
    'label -1': (frame(interested=[1, -1, 1]), ValueError, ['row 1: interested is -1']),
    'label NaN': (frame(interested=[1, np.nan, 1]), ValueError, ['dtype float64', 'row 1: interested is missing']),
    'label NA': (frame(interested=pd.array([1, pd.NA, 1], 'Int8')), ValueError, ['row 1: interested is missing']),
    'label string': (frame(interested=['1', '0', '1']), ValueError, ["row 0: interested is '1'", 'expected int8']),
    'label float': (frame(interested=[1.0, 0.0, 1.0]), ValueError, ['dtype float64', 'int8']),
    'label half': (frame(interested=[1.0, 0.5, 1.0]), ValueError, ['row 1: interested is 0.5']),
    'label bool': (frame(interested=[True, False, True]), ValueError, ['dtype bool', 'int8']),
    'label list': (frame(interested=[[1], [0], [1]]), ValueError, ['dtype object', 'row 0: interested is [1]']),
    'feedback early': (frame(feedback_time=seconds(10, 9, 20)), ValueError, ['row 1: feedback_time is 1970-01-01 00:00:09', 'not before']),
    'feedback missing': (frame(feedback_time=seconds(10, 'NaT', 20)), ValueError, ['row 1: feedback_time is missing']),
    'feedback text': (frame(feedback_time=['a', 'b', 'c']), ValueError, ['column feedback_time has dtype']),
    'propensity 0': (frame(propensity=[0.5, 0.0, 1.0]), ValueError, ['row 1: propensity is 0.0', '(0, 1]']),
    'propensity 1.2': (frame(propensity=[0.5, 1.2, 1.0]), ValueError, ['row 1: propensity is 1.2']),
    'propensity inf': (frame(propensity=[0.5, np.inf, 1.0]), ValueError, ['row 1: propensity is inf']),
    'propensity text': (frame(propensity=['a', 'b', 'c']), ValueError, ['column propensity has dtype']),
    'device text': (frame(device=['a', 'b', 'c']), ValueError, ['column device has dtype', 'category']),
    'several': (frame(interested=[1, 2, 1], propensity=[0.5, 3.0, 1.0], device=['a', 'b', 'c'], event_id=[0, 0, 0]), ValueError,
                ['event_id is 0', 'interested is 2', 'propensity is 3.0', 'device']),
    'wrong ids do not hide wrong labels': (frame(user_id=[1.5, 2.5, 3.5], interested=[1, 2, 1]), ValueError, ['user_id has dtype', 'interested is 2']),
}


@pytest.mark.parametrize('case', BAD_FRAMES)
def test_check_events_refuses(case):
    events, error, words = BAD_FRAMES[case]
    refused(lambda: check_events(events), error, *words)


@pytest.mark.parametrize('n', [1, 19, 20, 21, 1000])
def test_up_to_twenty_of_a_kind_are_named_and_the_rest_counted(n):
    events = pd.DataFrame(dict(event_id=range(n), user_id=1, item_id=1, time=seconds(*range(n)), interested=2))
    named, more = min(n, 20), [f'{n - 20} more like these for interested'] if n > 20 else []
    refused(lambda: check_events(events), ValueError, *(f'row {r}: interested is 2,' for r in range(named)), *more)
    with pytest.raises(ValueError) as caught: check_events(events)
    assert str(caught.value).count('row ') == named and ('more like these' in str(caught.value)) == (n > 20)


def test_a_flood_of_one_kind_hides_no_other_kind():
    events = pd.DataFrame(dict(event_id=range(100), user_id=1, item_id=1, time=seconds(*range(100)), interested=2, propensity=[.5] * 99 + [7.]))
    refused(lambda: check_events(events), ValueError, 'row 19: interested is 2', '80 more like these for interested', 'row 99: propensity is 7.0')


def test_the_docstrings_say_how_many_are_named():
    assert behaviour._MOST_NAMED == 20 and all('up to 20' in f.__doc__ for f in (check_events, read_events))


# ---- read_events

HEAD = 'user_id,item_id,time,interested'


def csv_file(folder, content):
    path = Path(folder) / 'log.csv'
    path.write_bytes(content if isinstance(content, bytes) else content.encode('utf-8'))
    return path


BAD_FILES = {
    'empty': ('', ['is empty', 'header']),
    'blank': (' \n\n', ['is empty']),
    'only quotes': ('""\n', ['is empty']),
    'only a byte order mark': (b'\xef\xbb\xbf', ['is empty']),
    'header only': (HEAD + '\n', ['header line but no rows']),
    'header only, no line end': (HEAD, ['header line but no rows']),
    'missing column': ('user_id,item_id,time\n1,1,1\n', ['no column interested', 'user_id, item_id, time']),
    'semicolons': (HEAD.replace(',', ';') + '\n1;1;1;1\n', ['no column user_id', 'separated by commas']),
    'other case': (HEAD.upper() + '\n1,1,1700000001,1\n', ['no column user_id', 'USER_ID']),
    'column twice': (HEAD + ',time\n1,1,1700000001,1,1\n', ['holds time twice']),
    'extra column twice': (HEAD + ',x,x\n1,1,1700000001,1,1,1\n', ['holds x twice']),
    'nameless column': (',' + HEAD + '\n0,1,1700000001,1,1\n', ['column 1 of the header line has no name', 'index=False']),
    'long row': (HEAD + '\n1,1,1700000001,1\n1,1,1700000001,1,9\n', ['line 3', 'cells is 5', 'expected 4']),
    'short row': (HEAD + '\n1,1,1700000001,1\n1,1,1\n', ['line 3', 'cells is 3', 'expected 4']),
    'all rows long': (HEAD + '\n1,1,1700000001,1,9\n1,1,1700000001,1,9\n', ['line 2', 'line 3', 'cells is 5']),
    'open quote': (HEAD + '\n1,"1,1700000001,1\n', ['line 2', 'unexpected end of data']),
    'text after quote': (HEAD + '\n1,"1"x,1700000001,1\n', ['line 2', "expected after '\"'"]),
    'NUL': (HEAD + '\n1,1,1700000001,1\n1,\0,1,1\n', ['line 3', 'NUL']),
    'no user': (HEAD + '\n,1,1700000001,1\n', ['line 2: user_id is missing']),
    'blank user': (HEAD + '\n  ,1,1700000001,1\n', ['line 2: user_id is missing']),
    'no item': (HEAD + '\n1,1,1700000001,1\n1,,1700000001,1\n', ['line 3: item_id is missing']),
    'blank lines count': (HEAD + '\n\n1,1,1700000001,1\n\n1,,1700000001,1\n', ['line 5: item_id is missing']),
    'quoted line ends count': (HEAD + ',title\n1,1,1700000001,1,"a\nb"\n1,,1700000001,1,c\n', ['line 4: item_id is missing']),
    'commas only': (HEAD + '\n1,1,1700000001,1\n,,,\n', ['line 3: user_id is missing', 'line 3: time is missing', 'line 3: interested is missing']),
    'milliseconds': (HEAD + '\n1,1,1700000000000,1\n', ["line 2: time is '1700000000000'", 'not milliseconds']),
    'date without dashes': (HEAD + '\n1,1,20240101,1\n1,1,20240229,1\n', ["line 2: time is '20240101'", "line 3: time is '20240229'", 'a date is written 2026-01-31']),
    'month without dashes': (HEAD + '\n1,1,202401,1\n', ["line 2: time is '202401'", 'a date is written 2026-01-31']),
    'date without dashes, mixed with seconds': (HEAD + '\n1,1,1700000000,1\n1,1,20240101,1\n', ["line 3: time is '20240101'", 'a date is written']),
    'feedback date without dashes': (HEAD + ',feedback_time\n1,1,2024-01-01,1,20240102\n', ["line 2: feedback_time is '20240102'", 'a date is written']),
    'last second of 1989': (HEAD + '\n1,1,631151999.9,1\n', ["line 2: time is '631151999.9'", '1990']),
    'negative time': (HEAD + '\n1,1,-1,1\n', ["line 2: time is '-1'", '1990']),
    'fraction before 1970': (HEAD + '\n1,1,-0.5,1\n', ["line 2: time is '-0.5'"]),
    'infinite time': (HEAD + '\n1,1,inf,1\n', ["line 2: time is 'inf'"]),
    'unparsable time': (HEAD + '\n1,1,yesterday,1\n', ["line 2: time is 'yesterday'", '2026-01-31 18:05:00']),
    'now': (HEAD + '\n1,1,now,1\n1,1,today,1\n', ["line 2: time is 'now'", "line 3: time is 'today'"]),
    'no such day': (HEAD + '\n1,1,2026-02-30,1\n', ["line 2: time is '2026-02-30'"]),
    'day first': (HEAD + '\n1,1,31.01.2026 10:00,1\n', ["line 2: time is '31.01.2026 10:00'"]),
    'year only': (HEAD + '\n1,1,2026-01-01,1\n1,1,2026,1\n1,1,2026-01-01,1\n', ["line 3: time is '2026'"]),
    'month only': (HEAD + '\n1,1,2026-01,1\n', ["line 2: time is '2026-01'"]),
    'ISO before 1970': (HEAD + '\n1,1,1969-12-31T23:59:59.5,1\n', ["line 2: time is '1969-12-31T23:59:59.5'"]),
    'year 1': (HEAD + '\n1,1,0001-01-01,1\n', ["line 2: time is '0001-01-01'"]),
    'year 9999': (HEAD + '\n1,1,9999-12-31,1\n', ["line 2: time is '9999-12-31'"]),
    'mixed, mostly numbers': (HEAD + '\n1,1,1700000005,1\n1,1,1700000006,1\n1,1,2026-01-01,1\n', ["line 4: time is '2026-01-01'", 'Unix seconds']),
    'mixed, mostly text': (HEAD + '\n1,1,2026-01-01,1\n1,1,2026-01-02,1\n1,1,20260103,1\n', ["line 4: time is '20260103'"]),
    'one time missing': (HEAD + '\n1,1,1700000005,1\n1,1,,1\n1,1,1700000007,1\n', ['line 3: time is missing']),
    'feedback unparsable': (HEAD + ',feedback_time\n1,1,1700000005,1,soon\n', ["line 2: feedback_time is 'soon'"]),
    'feedback missing': (HEAD + ',feedback_time\n1,1,1700000005,1,\n', ['line 2: feedback_time is missing']),
    'feedback early': (HEAD + ',feedback_time\n1,1,1700000009,1,1700000009\n1,1,1700000005,1,1700000004\n', ['line 3: feedback_time is 2023-11-14 22:13:24', 'not before']),
    'label 2': (HEAD + '\n1,1,1700000001,2\n', ["line 2: interested is '2'", '0 or 1']),
    'label half': (HEAD + '\n1,1,1700000001,0.5\n', ["line 2: interested is '0.5'"]),
    'label yes': (HEAD + '\n1,1,1700000001,yes\n', ["line 2: interested is 'yes'"]),
    'label True': (HEAD + '\n1,1,1700000001,True\n', ["line 2: interested is 'True'"]),
    'label NaN': (HEAD + '\n1,1,1700000001,NaN\n', ["line 2: interested is 'NaN'"]),
    'label missing': (HEAD + '\n1,1,1700000001,\n', ['line 2: interested is missing']),
    'duplicated event_id': (HEAD + ',event_id\n1,1,1700000009,1,a\n1,1,1700000005,1,a\n', ["line 3: event_id is 'a'", 'no line before']),
    'missing event_id': (HEAD + ',event_id\n1,1,1700000009,1,1\n1,1,1700000005,1,\n', ['line 3: event_id is missing']),
    'propensity 0': (HEAD + ',propensity\n1,1,1700000001,1,0\n', ["line 2: propensity is '0'", '(0, 1]']),
    'propensity 1.2': (HEAD + ',propensity\n1,1,1700000001,1,1.2\n', ["line 2: propensity is '1.2'"]),
    'propensity text': (HEAD + ',propensity\n1,1,1700000001,1,high\n', ["line 2: propensity is 'high'"]),
    'price 0': (HEAD + ',price\n1,1,1700000001,1,0\n', ["line 2: price is '0'", 'positive']),
    'price negative': (HEAD + ',price\n1,1,1700000001,1,-3\n', ["line 2: price is '-3'"]),
    'price infinite': (HEAD + ',price\n1,1,1700000001,1,inf\n', ["line 2: price is 'inf'"]),
    'price with currency': (HEAD + ',price\n1,1,1700000001,1,$3\n', ["line 2: price is '$3'"]),
    'price changes': (HEAD + ',price\n1,1,1700000001,1,3\n2,1,1700000001,1,4\n', ['line 3: price is 4.0', 'same price', 'item_id']),
    'title changes': (HEAD + ',title\n1,1,1700000001,1,a\n2,1,1700000001,1,b\n', ["line 3: title is 'b'", 'same title']),
    'age negative': (HEAD + ',age\n1,1,1700000001,1,-1\n', ["line 2: age is '-1'", 'from 0 to 149']),
    'age 200': (HEAD + ',age\n1,1,1700000001,1,200\n', ["line 2: age is '200'"]),
    'age changes': (HEAD + ',age\n1,1,1700000001,1,30\n1,2,1700000001,1,31\n', ['line 3: age is 31.0', 'same age', 'user_id']),
    'several': (HEAD + ',price,event_id\n1,1,x,2,0,1\n1,1,1700000001,1,3,1\n', ["interested is '2'", "price is '0'", "time is 'x'", 'line 3: event_id is 1']),
    'many': (HEAD + '\n' + '1,1,1700000001,7\n' * 50, ['line 2: interested is', 'line 21: interested is', '30 more like these for interested']),
}
BAD_FILES['latin-1'] = ((HEAD + '\n1,1,1700000001,0\n1,é,1700000001,0\n').encode('latin-1'), ['not UTF-8', 'line 3', '0xe9'])
BAD_FILES['UTF-16'] = ((HEAD + '\n1,1,1700000001,0\n').encode('utf-16'), ['not UTF-8', 'line 1'])
BAD_FILES['UTF-16 without a mark'] = ((HEAD + '\n1,1,1700000001,0\n').encode('utf-16-le'), ['NUL', 'line 1'])
BAD_FILES['long field'] = (HEAD + ',note\n1,1,1700000001,0,' + 'x' * 200_000 + '\n', ['line 2', 'field larger than field limit'])


@pytest.mark.parametrize('case', BAD_FILES)
def test_read_events_refuses(case, tmp_path):
    content, words = BAD_FILES[case]
    refused(lambda: read_events(csv_file(tmp_path, content)), ValueError, 'log.csv', *words)


@pytest.mark.parametrize('path, error, words', [
    (None, TypeError, ['path must be', 'None']), (3, TypeError, ['path must be', '3']), (['a'], TypeError, ['path must be']),
    ('no_such_file.csv', FileNotFoundError, ['no_such_file.csv', 'does not exist']), ('.', IsADirectoryError, ['is a folder']),
    ('', IsADirectoryError, ['is a folder']), (Path('tests'), IsADirectoryError, ['tests is a folder'])])
def test_read_events_refuses_paths(path, error, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path); (tmp_path / 'tests').mkdir()
    refused(lambda: read_events(path), error, *words)


GOOD = HEAD + '\na,1,631152000,1\nb,2,631152005,0\n'                             # the first seconds that count as such


@pytest.mark.parametrize('content', [
    GOOD, GOOD.rstrip('\n'), '\ufeff' + GOOD, GOOD.replace('\n', '\r\n'), GOOD.replace('\n', '\r'), GOOD.replace('\n', '\n\n') + '\n\n', '\n' + GOOD,
    GOOD.replace(',', ', '), GOOD.replace(',', ' ,'), GOOD.replace('a,', '"a",').replace('user_id', '"user_id"'), '\ufeff' + GOOD.replace('user_id', '"user_id"'),
    HEAD + '\na, "1", "631152000", 1\nb, "2", "631152005", 0\n', GOOD.replace('000,1', '000.0,1.0').replace('005,', '005.999,'), HEAD + '\nb,2,631152005,0\na,1,631152000,1\n',
    HEAD + '\na,1,1990-01-01T02:00:00+02:00,1\nb,2,1990-01-01 00:00:05Z,0\n', HEAD + '\na,1,1990-01-01,1\nb,2,1990-01-01T00:00:05.999999999,0\n'], ids=range(16))
def test_read_events_reads_what_means_the_same(content, tmp_path):
    log = read_events(csv_file(tmp_path, content))
    assert [list(log.events[c]) for c in ('event_id', 'user_id', 'item_id', 'interested')] == [[0, 1], ['a', 'b'], [1, 2], [1, 0]]
    assert (log.events.time.to_numpy() == seconds(631152000, 631152005)).all() and log.events.time.dtype == 'datetime64[s]'


def test_read_events_ids(tmp_path):
    read = lambda *ids: list(read_events(csv_file(tmp_path, HEAD + '\n' + ''.join(f'{i},1,1700000000,1\n' for i in ids))).events.user_id)
    assert read('007', '7') == ['007', '7']                                     # never merged
    assert read('7', '-8', '0') == [7, -8, 0]
    assert read('999999999999999999') == [999_999_999_999_999_999]
    assert read('99999999999999999999', '1') == ['99999999999999999999', '1']   # beyond int64: strings, to the last digit
    assert read('1.0', '1') == ['1.0', '1'] and read('1e3') == ['1e3'] and read('+1') == ['+1'] and read('٣') == ['٣']
    assert read('NA', 'null', 'nan', 'None') == ['NA', 'null', 'nan', 'None']
    assert read('李雷', '"a, b"', '"say ""hi"""') == ['李雷', 'a, b', 'say "hi"']


def test_read_events_tables_and_what_passes_through(tmp_path):
    text = (HEAD + ',title,category,price,age,session_id,device,propensity,rating,note\n'
            '1,7,1700000009,1,"Song, the",music,2.5,30,4,phone,0.25,4.5,007\n2,7,1700000005,0,,,,,,,,,\n1,8,1700000007,0,,news,,,4,desk,1,2,\n')
    log = read_events(csv_file(tmp_path, text))
    assert list(log.events.columns) == ['event_id', 'user_id', 'item_id', 'session_id', 'time', 'device', 'propensity', 'interested', 'rating', 'note']
    assert log.events.user_id.tolist() == [2, 1, 1] and log.events.event_id.tolist() == [0, 1, 2]
    assert log.events.session_id.isna().tolist() == [True, False, False] and log.events.session_id.dtype == 'Int64'
    assert log.events.rating.iloc[2] == '4.5' and log.events.note.iloc[2] == '007' and pd.isna(log.events.note.iloc[1])
    assert log.items.columns.tolist() == ['item_id', 'title', 'category', 'price'] and log.items.item_id.tolist() == [7, 8]
    assert log.items.loc[0, ['title', 'category', 'price']].tolist() == ['Song, the', 'music', 2.5] and pd.isna(log.items.price[1])
    assert log.users.user_id.tolist() == [1, 2] and log.users.age[0] == 30 and pd.isna(log.users.age[1])


def test_read_events_keeps_missing_text_missing(tmp_path):
    head = 'user_id,item_id,time,interested,title,category,device,note\n'
    log = read_events(csv_file(tmp_path, head + '1,7,2026-01-01,1,,,,\n2,8,2026-01-02,0,nan,None,NA,null\n'))
    for text, there in [(log.items.title, 'nan'), (log.items.category, 'None'), (log.events.device, 'NA'), (log.events.note, 'null')]:
        assert text.isna().tolist() == [True, False] and text[1] == there
    log = read_events(csv_file(tmp_path, HEAD + '\n1,7,2026-01-01,1\n'))           # no such columns at all
    assert log.items[['title', 'category', 'price']].isna().all(axis=None) and log.users.age.isna().all() and log.events.device.isna().all()


def test_read_events_says_what_must_not_change_and_what_to_do(tmp_path):
    assert all(word in read_events.__doc__ for word in ['`title`, `category` and `price` must be the same', '`age` in all lines', 'price_paid'])
    log = read_events(csv_file(tmp_path, HEAD + ',price_paid\n1,7,2026-01-01,1,3\n1,7,2026-01-02,1,4\n'))
    assert log.events.price_paid.tolist() == ['3', '4'] and log.items.price.isna().all()


def test_iso_dates_before_1990_are_dates(tmp_path):
    log = read_events(csv_file(tmp_path, HEAD + '\n1,7,1970-01-01,1\n1,7,1989-12-31,1\n'))
    assert log.events.time.dt.year.tolist() == [1970, 1989]


def test_read_events_keeps_ties_in_the_order_of_the_file(tmp_path):
    log = read_events(csv_file(tmp_path, HEAD + '\n' + ''.join(f'{u},1,{1_700_000_000 + u % 3},1\n' for u in range(300))))
    assert log.events.user_id.tolist() == sorted(range(300), key=lambda u: u % 3)


# ---- round trip

words = st.text('abcdefgh, "\'\n;é李_-', max_size=5).map(lambda s: 'x' + s + 'x')          # never a plain integer, no outer space
moments = st.integers(0, 7_258_118_399)


def ids(n, unique=False):
    return st.one_of(st.lists(st.integers(-10**18 + 1, 10**18 - 1), min_size=n, max_size=n, unique=unique),
                     st.lists(words, min_size=n, max_size=n, unique=unique))


@st.composite
def event_frames(draw):
    n = draw(st.integers(1, 6))
    some = lambda value: draw(st.lists(st.one_of(st.none(), value), min_size=n, max_size=n))
    time = draw(st.lists(moments, min_size=n, max_size=n))
    events = pd.DataFrame({'event_id': draw(ids(n, unique=True)), 'user_id': draw(ids(n)), 'item_id': draw(ids(n))})
    session = some(st.integers(0, 10**18 - 1)) if draw(st.booleans()) else None
    events['session_id'] = pd.array(session if session else [pd.NA] * n, dtype='Int64')
    events['time'] = np.array(time).astype('datetime64[s]')
    if draw(st.booleans()):
        events['feedback_time'] = np.array([min(t + draw(st.integers(0, 10**6)), 7_258_118_399) for t in time]).astype('datetime64[s]')
    events['device'] = pd.Categorical(some(words))
    events['propensity'] = np.array(some(st.floats(0, 1, exclude_min=True)), float)
    events['interested'] = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)), 'int8')
    if draw(st.booleans()): events['note'] = pd.Series(some(words), dtype='str')
    return events.sort_values(['time', 'event_id'], ignore_index=True)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(events=event_frames(), line_end=st.sampled_from(['\n', '\r\n']), order=st.randoms(use_true_random=False))
def test_round_trip(events, line_end, order, tmp_path):
    check_events(events)
    rows = list(range(len(events))); order.shuffle(rows)
    path = tmp_path / 'round.csv'
    events.iloc[rows].to_csv(path, index=False, lineterminator=line_end)
    back = read_events(path).events
    pd.testing.assert_frame_equal(back, events, check_categorical=False, check_column_type=False, rtol=0, atol=0)
    assert back.dtypes.drop('device').equals(events.dtypes.drop('device')) and back.device.dtype == 'category'


# ---- load_movielens

BAD_CALLS = {
    'unknown release': (dict(name='25m'), ValueError, ["unknown MovieLens release '25m'", 'latest-small']),
    'no release': (dict(name=None), ValueError, ['unknown MovieLens release None']),
    'list': (dict(name=['latest-small']), ValueError, ['unknown MovieLens release']),
    'threshold 0.5': (dict(threshold=0.5), ValueError, ['threshold', '(0.5, 5]', '0.5']),
    'threshold 5.5': (dict(threshold=5.5), ValueError, ['threshold', '5.5']),
    'threshold NaN': (dict(threshold=float('nan')), ValueError, ['threshold', 'nan']),
    'threshold None': (dict(threshold=None), TypeError, ['threshold', 'None']),
    'threshold text': (dict(threshold='4'), TypeError, ['threshold', "'4'"]),
    'threshold True': (dict(threshold=True), TypeError, ['threshold', 'True']),
    'threshold array': (dict(threshold=np.array([4.0])), TypeError, ['threshold']),
    'folder number': (dict(folder=3), TypeError, ['folder must be', '3']),
}


@pytest.fixture
def no_network(monkeypatch):
    def retrieve(*args, **kwargs): raise ConnectionError('no route to host')
    monkeypatch.setattr(pooch, 'retrieve', retrieve)


@pytest.mark.parametrize('case', BAD_CALLS)
def test_load_movielens_refuses(case, no_network):
    arguments, error, words = BAD_CALLS[case]
    refused(lambda: load_movielens(**arguments), error, *words)


def test_no_files_and_no_network(tmp_path, no_network, monkeypatch):
    told = ['could not be fetched', 'https://files.grouplens.org/datasets/movielens/ml-latest-small.zip', 'no route to host', 'INTEREST_TUTORIAL_DATA', 'licence']
    refused(lambda: load_movielens(folder=tmp_path), OSError, str(tmp_path / 'ml-latest-small'), *told)
    monkeypatch.setenv('INTEREST_TUTORIAL_DATA', str(tmp_path / 'elsewhere'))
    refused(load_movielens, OSError, str(tmp_path / 'elsewhere' / 'ml-latest-small'), *told)
    assert not (tmp_path / 'ml-latest-small').exists()                    # nothing half-written


def test_folder_is_a_file(tmp_path, no_network):
    (tmp_path / 'file').write_text('')
    refused(lambda: load_movielens(folder=tmp_path / 'file'), OSError, 'could not be fetched')


def fake_download(files):
    def retrieve(url, known_hash, path, processor):
        for name, content in files.items(): (Path(path) / name).write_bytes(content)
        return [str(Path(path) / name) for name in files]
    return retrieve


def test_download_of_something_else_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(pooch, 'retrieve', fake_download({'ratings.csv': b'a', 'movies.csv': b'b'}))
    refused(lambda: load_movielens(folder=tmp_path), OSError, 'SHA-256', 'could not be fetched')
    monkeypatch.setattr(pooch, 'retrieve', fake_download({'README.txt': b'a'}))
    refused(lambda: load_movielens(folder=tmp_path), OSError, 'ratings.csv')
    assert not (tmp_path / 'ml-latest-small').exists()


@needs_data
def test_download_then_offline(tmp_path, monkeypatch):
    monkeypatch.setattr(pooch, 'retrieve', fake_download({f: (DATA / f).read_bytes() for f in ('ratings.csv', 'movies.csv', 'README.txt')}))
    assert len(load_movielens(folder=tmp_path).events) == 100_836
    monkeypatch.setattr(pooch, 'retrieve', None)                                # a second fetch would fail
    assert len(load_movielens(folder=tmp_path).events) == 100_836
    assert sorted(f.name for f in (tmp_path / 'ml-latest-small').iterdir()) == ['movies.csv', 'ratings.csv']


@needs_data
@pytest.mark.parametrize('name', ['ratings.csv', 'movies.csv'])
def test_one_changed_byte(name, tmp_path, no_network):
    folder = tmp_path / 'ml-latest-small'; folder.mkdir()
    for f in ('ratings.csv', 'movies.csv'): shutil.copyfile(DATA / f, folder / f)
    content = bytearray((folder / name).read_bytes()); content[-2] ^= 1
    (folder / name).write_bytes(content)
    refused(lambda: load_movielens(folder=tmp_path), ValueError, name, 'SHA-256', 'release of 2018-09-26')


@needs_data
def test_movielens_against_plain_pandas():
    ratings, movies = pd.read_csv(DATA / 'ratings.csv'), pd.read_csv(DATA / 'movies.csv')
    log = load_movielens(threshold=3.5)
    key = log.events[['user_id', 'item_id', 'rating']].sort_values(['user_id', 'item_id'], ignore_index=True)
    want = ratings.rename(columns={'userId': 'user_id', 'movieId': 'item_id'}).sort_values(['user_id', 'item_id'], ignore_index=True)
    pd.testing.assert_frame_equal(key, want[['user_id', 'item_id', 'rating']])
    assert log.events.interested.sum() == (ratings.rating >= 3.5).sum()
    assert (log.events.time.astype('int64').sort_values().to_numpy() == np.sort(ratings.timestamp)).all()
    first = [g.split('|')[0] for g in movies.genres]
    assert [None if pd.isna(c) else c for c in log.items.category] == [None if g == '(no genres listed)' else g for g in first]
    assert log.items.category.notna().sum() == (movies.genres != '(no genres listed)').sum() and len(log.users) == 610
    assert log.items[['price']].isna().all().all() and log.users.age.isna().all() and log.events[['device', 'session_id', 'propensity']].isna().all().all()
    assert check_events(log.events) is log.events
