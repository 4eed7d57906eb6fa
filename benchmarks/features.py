"""Time and peak memory of behaviour_features as events grow, users and items in step, and against pandas. Run by hand: python benchmarks/features.py"""
import os
for name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'VECLIB_MAXIMUM_THREADS', 'NUMEXPR_NUM_THREADS'): os.environ[name] = '1'

import platform, subprocess, sys, tempfile, time

SIZES, SMALL, REPEATS, TARGET = (10_000, 100_000, 1_000_000), 10_000, 3, 10.0   # events; events for the apply; runs of each size; seconds of processor time for the largest
COMMON = ['log_user_count', 'log_item_count', 'log_user_category_count', 'user_rate', 'item_rate', 'user_category_rate', 'category_share', 'hours_since_last', 'log_position']


def peak_mib():
    "Largest resident memory of this process so far, in MiB (Linux counts in KiB, macOS in bytes)."
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2 ** 20 if sys.platform == 'darwin' else 2 ** 10)


def a_log(n):
    from interest_tutorial.world import make_world
    return make_world(n_users=n // 80, n_items=n // 40, n_events=n).log


def timed(function, *arguments):
    "Processor seconds of one call, and what it returned."
    start = time.process_time()
    out = function(*arguments)
    return time.process_time() - start, out


def with_pandas(log):
    "The columns that groupby can make: cumulative counts and sums, put right for ties, for feedback known at once; float32 like F."
    import numpy as np, pandas as pd
    e = log.events
    time_code, y = pd.factorize(e.time)[0], e.interested.astype('int64')
    code = pd.factorize(e.item_id.map(log.items.set_index('item_id').category))[0]
    user, item = pd.factorize(e.user_id)[0], pd.factorize(e.item_id)[0]
    width = code.max() + 1
    keys = dict(user=user, item=item, user_category=user.astype('int64') * width + code, session=pd.factorize(e.session_id)[0])
    instants = time_code.max() + 1
    def before(key):
        "Rows and likes of the key before the second of each row: the first row of a (key, second) knows them, the others copy it."
        g = pd.Series(y.to_numpy()).groupby(key)
        n, liked = g.cumcount(), g.cumsum() - y.to_numpy()
        tied = key * instants + time_code
        first = pd.Series(tied).drop_duplicates()
        at = first.index.to_numpy()[pd.Index(first.to_numpy()).get_indexer(tied)] if len(first) < len(tied) else slice(None)
        return n.to_numpy()[at], liked.to_numpy()[at], at
    seen = {c: before(k.astype('int64')) for c, k in keys.items()}
    n, liked, _ = before(np.zeros(len(e), 'int64'))
    prior = (liked + 1) / (n + 2)
    user_rate = (seen['user'][1] + 10 * prior) / (seen['user'][0] + 10)
    last = e.time.groupby(keys['user']).shift().to_numpy()[seen['user'][2]]
    out = dict(log_user_count=np.log1p(seen['user'][0]), log_item_count=np.log1p(seen['item'][0]), log_user_category_count=np.log1p(seen['user_category'][0]),
               user_rate=user_rate, item_rate=(seen['item'][1] + 10 * prior) / (seen['item'][0] + 10),
               user_category_rate=(seen['user_category'][1] + 4 * user_rate) / (seen['user_category'][0] + 4),
               category_share=seen['user_category'][0] / np.where(seen['user'][0] > 0, seen['user'][0], np.nan),
               hours_since_last=(e.time.to_numpy() - last) / np.timedelta64(1, 'h'), log_position=np.log1p(seen['session'][0]))
    return pd.DataFrame(out, index=e.index).astype('float32')


def with_apply(log):
    "Counts and likes before each row by one Python function per group of user, item, and user and category."
    import pandas as pd
    e = log.events.assign(category=log.events.item_id.map(log.items.set_index('item_id').category))
    def past(g):
        t = g.time.to_numpy()
        return pd.DataFrame({'n': [int((t < s).sum()) for s in t], 'liked': [int(g.interested.to_numpy()[t < s].sum()) for s in t]}, index=g.index)
    return {name: e.groupby(key)[['time', 'interested']].apply(past).reset_index(level=list(range(len(key))), drop=True).sort_index()
            for name, key in (('user', ['user_id']), ('item', ['item_id']), ('user_category', ['user_id', 'category']))}


def write_log(path, n):
    "Make a log and keep it in a file."
    import pickle
    with open(path, 'wb') as file: pickle.dump(a_log(n), file)


def measure(path, way):
    "In a process of its own: processor seconds, wall seconds, and the MiB that the features add to what imports and data took."
    import pickle
    from interest_tutorial.features import behaviour_features
    function = dict(features=behaviour_features, pandas=with_pandas)[way]
    function(a_log(1_000))                                           # loads what is loaded on first use
    with open(path, 'rb') as file: log = pickle.load(file)           # made elsewhere: making it would raise the highest memory before the call
    before, wall = peak_mib(), time.perf_counter()
    cpu, F = timed(function, log)
    assert len(F) == len(log.events)
    print(cpu, time.perf_counter() - wall, peak_mib() - before)


def fresh(path, way):
    "The least processor and wall seconds and MiB of several fresh processes."
    runs = [subprocess.run([sys.executable, __file__, path, way], check=True, capture_output=True, text=True).stdout.split() for _ in range(REPEATS)]
    return [min(map(float, column)) for column in zip(*runs)]


def compare():
    "Equal values, then ratios on the same data in one process."
    import numpy as np, pandas as pd
    from interest_tutorial.features import behaviour_features
    print('\nsame data, one process: all 17 features against groupby (9 of them, equal values asserted) and a function per group (3 counts and 3 sums of likes)')
    for n in SIZES:
        log = a_log(n)
        ours, F = timed(behaviour_features, log)
        theirs, P = timed(with_pandas, log)
        pd.testing.assert_frame_equal(F[COMMON], P[COMMON], rtol=1e-5)
        print(f'{n:10,} events: features {ours:.3f} s, vectorised pandas {theirs:.3f} s, ratio {theirs / ours:.1f}', flush=True)
        if n == SMALL:
            slow, groups = timed(with_apply, log)
            for c, g in groups.items(): np.testing.assert_allclose(np.log1p(g.n), F[f'log_{c}_count'], rtol=1e-5)
            print(f'{n:10,} events: a function per group {slow:.2f} s, ratio {slow / ours:.0f} (work per group grows with its square; groups keep their size when users and items grow)', flush=True)


def main():
    "Print the tables. What is large is made in other processes: on Linux a process inherits the highest memory of the one that starts it."
    import numpy as np, pandas as pd
    print(f'behaviour_features on one core; Python {platform.python_version()}, NumPy {np.__version__}, pandas {pd.__version__}, {platform.machine()}')
    print(f'the best of {REPEATS} runs, each in a fresh process; n_users = n_events / 80, n_items = n_events / 40')
    print('peak MiB: what the call adds to the highest memory that imports and the reading of the data took, its result included\n')
    print(f'{"way":>9} {"events":>10} {"CPU s":>8} {"wall s":>8} {"us/event":>9} {"peak MiB":>9} {"CPU x":>7} {"memory x":>9}')
    with tempfile.TemporaryDirectory() as folder:
        paths = {n: os.path.join(folder, f'{n}.pickle') for n in SIZES}
        for n, path in paths.items():
            subprocess.run([sys.executable, __file__, path, str(n)], check=True)
        for way in ('pandas', 'features'):
            last = None
            for n, path in paths.items():
                cpu, wall, memory = fresh(path, way)
                growth = f'{cpu / last[0]:7.1f} {memory / max(last[1], 0.1):9.1f}' if last else f'{"":7} {"":9}'
                print(f'{way:>9} {n:10,} {cpu:8.3f} {wall:8.3f} {1e6 * cpu / n:9.2f} {memory:9.1f} {growth}', flush=True)
                last = cpu, memory
    compare()
    print(f'\ntarget: {SIZES[-1]:,} events under {TARGET:g} s of processor time: {"PASS" if last[0] < TARGET else "over"} ({last[0]:.2f} s)')


if __name__ == '__main__':
    if len(sys.argv) == 1: main()
    elif sys.argv[2].isdigit(): write_log(sys.argv[1], int(sys.argv[2]))
    else: measure(sys.argv[1], sys.argv[2])
