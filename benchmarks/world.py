"""Time and peak memory of make_world as events grow, users and items in step. Run by hand: python benchmarks/world.py"""
import os
for name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'VECLIB_MAXIMUM_THREADS', 'NUMEXPR_NUM_THREADS'): os.environ[name] = '1'

import platform, subprocess, sys, time

SIZES, REPEATS, TARGET = (10_000, 100_000, 1_000_000), 3, 3.0   # events, runs of each size, seconds of processor time for the largest


def peak_mib():
    "Largest resident memory of this process so far, in MiB (Linux counts in KiB, macOS in bytes)."
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2 ** 20 if sys.platform == 'darwin' else 2 ** 10)


def measure(n_events):
    "In a process of its own: processor seconds, wall seconds, and the MiB that one world adds to what the imports took."
    from interest_tutorial.world import make_world
    make_world(n_events=1_000)                                       # loads what is loaded on first use
    before, wall, cpu = peak_mib(), time.perf_counter(), time.process_time()
    world = make_world(n_users=n_events // 80, n_items=n_events // 40, n_events=n_events)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert len(world.log.events) == len(world.truth) == n_events
    print(cpu, wall, peak_mib() - before)


def main():
    "Print the table."
    import numpy as np, pandas as pd
    print(f'make_world on one core; Python {platform.python_version()}, NumPy {np.__version__}, pandas {pd.__version__}, {platform.machine()}')
    print(f'the best of {REPEATS} runs, each in a fresh process; n_users = n_events / 80, n_items = n_events / 40\n')
    print(f'{"events":>10} {"CPU s":>8} {"wall s":>8} {"us/event":>9} {"peak MiB":>9} {"CPU x":>7} {"memory x":>9}')
    last = None
    for n in SIZES:
        runs = [subprocess.run([sys.executable, __file__, str(n)], check=True, capture_output=True, text=True).stdout.split() for _ in range(REPEATS)]
        cpu, wall, memory = (min(map(float, column)) for column in zip(*runs))
        growth = f'{cpu / last[0]:7.1f} {memory / last[1]:9.1f}' if last else f'{"":7} {"":9}'
        print(f'{n:10,} {cpu:8.2f} {wall:8.2f} {1e6 * cpu / n:9.2f} {memory:9.0f} {growth}', flush=True)
        last = cpu, memory
    print(f'\ntarget: {SIZES[-1]:,} events under {TARGET:g} s of processor time: {"PASS" if last[0] < TARGET else "over"} ({last[0]:.2f} s)')


if __name__ == '__main__': measure(int(sys.argv[1])) if len(sys.argv) > 1 else main()
