"""Virtual chunks become native, are replaced, rewritten and repacked; after every step the official client (icechunk and
zarr-python) must read from the branch what a NumPy array holds, and from the first snapshot what the file held.

usage: python scripts/checks/campaigns.py
"""

import os, subprocess, sys, tempfile

import icechunk, netCDF4, numpy as np, zarr
from official_client import open_repository

icechunk.set_logs_filter("error")
HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = ["node", os.path.join(HERE, "..", "..", "bin", "moraine.js")]
DAYS, ROWS, COLUMNS = 24, 40, 60
failures = 0


def moraine(*words):
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"moraine {' '.join(words)}: {done.stderr}")


def write(path, values, first_day, filters):
    with netCDF4.Dataset(path, "w") as dataset:
        for name, size in (("time", None), ("lat", ROWS), ("lon", COLUMNS)):
            dataset.createDimension(name, size)
        time = dataset.createVariable("time", "f8", ("time",))
        time.units, time.calendar = "days since 2020-01-01", "standard"
        time[:] = np.arange(first_day, first_day + len(values))
        sst = dataset.createVariable("sst", "f4", ("time", "lat", "lon"), chunksizes=(5, 16, 25), **filters)
        sst[:] = values


def official(folder, **ref):
    repository = open_repository(folder)
    return repository, zarr.open_group(repository.readonly_session(**(ref or {"branch": "main"})).store, mode="r")


def compare(what, folder, model, original, first):
    global failures
    for name, expected, ref in (("now", model, {}), ("before", original, {"snapshot_id": first})):
        found = official(folder, **ref)[1]["sst"][...]
        if not np.array_equal(found, expected):
            failures += 1
            print(f"{what}: the values {name} differ")


rng = np.random.default_rng(7)
PIPELINES = [
    {},
    {"zlib": True, "shuffle": False},
    {"zlib": True, "shuffle": True},
    {"zlib": True, "shuffle": True, "fletcher32": True},
    {"fletcher32": True},
]
for filters in PIPELINES:
    with tempfile.TemporaryDirectory() as work:
        folder, source, fresh = (os.path.join(work, name) for name in ("repository", "source.nc", "new.nc"))
        original = rng.integers(0, 50, (DAYS, ROWS, COLUMNS)).astype("f4")
        model = original.copy()
        write(source, original, 0, filters)
        moraine("index", source, "--to", folder)
        first = next(iter(official(folder)[0].ancestry(branch="main"))).id
        compare(f"{filters} index", folder, model, original, first)
        replaced = rng.integers(100, 150, (7, ROWS, COLUMNS)).astype("f4")
        write(fresh, replaced, 3, {})
        moraine("replace", folder, "--from", fresh, "--where", "time=2020-01-05..2020-01-08")
        model[4:8] = replaced[1:5]
        compare(f"{filters} replace", folder, model, original, first)
        moraine("materialize", folder, "/sst", "--where", "time=0:12", "--budget", "20KB")
        compare(f"{filters} materialize", folder, model, original, first)
        repository, _ = official(folder)
        session = repository.writable_session("main")
        zarr.open_group(session.store, mode="r+")["sst"][10:13, 5:9] = -1
        session.commit("by the official client")
        model[10:13, 5:9] = -1
        moraine("compact", folder, "--threshold", "90")
        compare(f"{filters} compact", folder, model, original, first)
        moraine("materialize", folder, "/sst", "--recompress", "zstd", "--chunks", "time=4,lat=10", "--shards", "time=8,lat=40")
        compare(f"{filters} rewrite", folder, model, original, first)
        moraine("fsck", folder)
print(f"{len(PIPELINES)} pipelines, {failures} differences")
sys.exit(1 if failures else 0)
