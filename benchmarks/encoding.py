"""FeatureEncoder by hand-run measurement: `python benchmarks/encoding.py`.

One run prints one row and 100,000 rows against a ColumnTransformer of scikit-learn's parts, all four scalings, and how time and
peak memory grow from 10^4 to 10^6 rows (each size in a process of its own). One thread; the best of several repetitions."""
import os
for v in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMEXPR_NUM_THREADS'): os.environ[v] = '1'

import json, platform, subprocess, sys
from time import perf_counter

import numpy as np, pandas as pd, sklearn
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, QuantileTransformer, StandardScaler

from interest_tutorial.encoding import FeatureEncoder
from interest_tutorial.features import behaviour_features
from interest_tutorial.world import make_world

TARGET = 50      # microseconds for one row, default settings


def peak():
    "Peak resident memory of this process so far, MB. On Linux `ru_maxrss` starts from the parent's, so its own high-water mark is read."
    try: return next(int(l.split()[1]) for l in open('/proc/self/status') if l.startswith('VmHWM')) / 1024
    except OSError: pass
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == 'darwin' else 1024)


def best(call, number, repeat):
    "Seconds of one call: the best of `repeat` runs of `number` calls."
    times = []
    for _ in range(repeat):
        start = perf_counter()
        for _ in range(number): call()
        times.append((perf_counter() - start) / number)
    return min(times)


def frame(n, seed=0):
    "A frame with the columns, kinds and gaps of `behaviour_features`, without the work of making it."
    rng = np.random.default_rng(seed)
    F = pd.DataFrame({f'x{j}': np.where(rng.random(n, 'float32') < (0.02 if j in (6, 7, 10) else 0), np.float32(np.nan), rng.standard_exponential(n, 'float32')) for j in range(15)})
    F['device'] = pd.Categorical.from_codes(rng.integers(0, 2, n).astype('int8'), ['desktop', 'phone'])
    F['category'] = pd.Categorical.from_codes(rng.integers(0, 5, n).astype('int8'), ['books', 'games', 'music', 'news', 'sport'])
    return F


def world():
    "Features of the default world; 'log' needs x > -1, so columns below that are moved up."
    F = behaviour_features(make_world().log)
    numbers = F.columns[:15]
    F[numbers] = F[numbers] - F[numbers].min().clip(upper=0)
    return F


def column_transformer(scaling, F):
    part = {'standard': StandardScaler(), 'minmax': MinMaxScaler(), 'quantile': QuantileTransformer(n_quantiles=101, subsample=None),
            'log': make_pipeline(FunctionTransformer(np.log1p, feature_names_out='one-to-one'), StandardScaler())}[scaling]
    words = OneHotEncoder(handle_unknown='ignore', sparse_output=False, dtype=np.float32)
    return ColumnTransformer([('numbers', part, list(F.columns[:15])), ('words', words, list(F.columns[15:]))])


def grow(n):
    "One size, in a process of its own: seconds of fit and transform, and peak MB above the imports, frame and X included."
    FeatureEncoder().fit_transform(frame(100))
    base = peak()
    F = frame(n)
    start = perf_counter()
    e = FeatureEncoder().fit(F)
    middle = perf_counter()
    X = e.transform(F)
    end = perf_counter()
    print(json.dumps(dict(rows=n, fit=middle - start, transform=end - middle, MB=peak() - base, held_MB=(F.memory_usage().sum() + X.nbytes) / 2**20)))


def main():
    print(f'Python {platform.python_version()}, numpy {np.__version__}, pandas {pd.__version__}, scikit-learn {sklearn.__version__}; one thread, best of several')
    F = world()
    big = pd.concat([F] * -(-100_000 // len(F)), ignore_index=True).iloc[:100_000]
    row, one = F.iloc[5].to_dict(), F.iloc[[5]]

    print('\nOne row, microseconds')
    print(f'{"scaling":10} {"transform_row":>14} {"transform(1 row)":>17} {"ColumnTransformer":>18} {"the same from a dict":>21} {"times faster":>13}')
    for s in ('standard', 'minmax', 'log', 'quantile'):
        e, c = FeatureEncoder(s).fit(F), column_transformer(s, F).fit(F)
        t = [best(lambda: e.transform_row(row), 100, 200), best(lambda: e.transform(one), 2, 40), best(lambda: c.transform(one), 1, 40),
             best(lambda: c.transform(pd.DataFrame([row])), 1, 40)]
        print(f'{s:10} {t[0]*1e6:14.1f} {t[1]*1e6:17.0f} {t[2]*1e6:18.0f} {t[3]*1e6:21.0f} {t[3]/t[0]:13.0f}')
        if s == 'standard': verdict = f'target: one row under {TARGET} microseconds (standard, one-hot, 17 columns): {t[0]*1e6:.1f}, {"PASS" if t[0]*1e6 < TARGET else "over"}'
    print(verdict)

    print('\n100,000 rows, milliseconds')
    print(f'{"scaling":10} {"fit":>8} {"transform":>10} {"ColumnTransformer fit":>22} {"transform":>10} {"ratio of transforms":>20}')
    for s in ('standard', 'minmax', 'log', 'quantile'):
        e, c = FeatureEncoder(s), column_transformer(s, F)
        t = [best(lambda: f(big), 1, 7) for f in (e.fit, e.transform, c.fit, c.transform)]
        print(f'{s:10} {t[0]*1e3:8.0f} {t[1]*1e3:10.0f} {t[2]*1e3:22.0f} {t[3]*1e3:10.0f} {t[3]/t[1]:20.2f}')

    print('\nGrowth (standard, one-hot, 15 + 2 columns); peak memory above the imports, F and X themselves included')
    print(f'{"rows":>10} {"fit s":>8} {"transform s":>12} {"peak MB":>8} {"F and X MB":>12} {"time x":>7} {"memory x":>9}')
    last = None
    for n in (10**4, 10**5, 10**6):
        runs = [json.loads(subprocess.run([sys.executable, __file__, '--grow', str(n)], capture_output=True, text=True, check=True).stdout) for _ in range(3)]
        r = {k: min(x[k] for x in runs) for k in runs[0]}
        ratio = f'{(r["fit"] + r["transform"]) / (last["fit"] + last["transform"]):7.1f} {r["MB"] / max(last["MB"], 0.1):9.1f}' if last else ''
        print(f'{n:10,} {r["fit"]:8.3f} {r["transform"]:12.3f} {r["MB"]:8.1f} {r["held_MB"]:12.1f} {ratio}')
        last = r


if __name__ == '__main__':
    if sys.argv[1:2] == ['--grow']: grow(int(sys.argv[2]))
    else: main()
