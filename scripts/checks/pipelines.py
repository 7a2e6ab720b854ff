"""For every pipeline (data type and codecs) that arrays of a corpus of real files have in repositories: a part of a chunk is
overwritten, after which moraine and the official client (icechunk and zarr-python) must read the new part and all the old,
and the official client must be able to overwrite the rest.

usage: python scripts/checks/pipelines.py CORPUS
"""

import hashlib, json, os, subprocess, sys, tempfile, warnings

import icechunk, numpy as np, zarr
from official_client import open_repository

icechunk.set_logs_filter("error")
warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))


def little(array):
    def swap(dtype):
        if dtype.fields:
            return np.dtype([(name, swap(dtype.fields[name][0])) for name in dtype.names])
        return dtype.newbyteorder("<")

    return np.ascontiguousarray(array.astype(swap(array.dtype), copy=False)).tobytes()


def digest(array):
    array = np.asarray(array)
    if array.dtype.kind in "OT":
        return {"strings": hashlib.sha256(json.dumps([str(item) for item in array.ravel()]).encode()).hexdigest()}
    return {"bytes": hashlib.sha256(little(array)).hexdigest()}


def judge(row):
    if "error" in row:
        return row["error"]
    repository = open_repository(row["target"])
    path = row["path"].lstrip("/")
    for name, ref in (("after", {"branch": "main"}), ("before", {"snapshot_id": row["first"]})):
        array = zarr.open_group(repository.readonly_session(**ref).store, mode="r")[path]
        if digest(array[...]) != row[name]:
            return f"the official client reads other values {name} the change"
    session = repository.writable_session("main")
    array = zarr.open_group(session.store, mode="r+")[path]
    values = array[...]
    array[...] = np.flip(values)
    session.commit("by the official client")
    official[row["target"], row["path"]] = digest(np.flip(values))
    return None


def moraine_digests(targets):
    command = ["node", os.path.join(HERE, "..", "..", "bin", "moraine.js"), "digest", "--json", *targets]
    done = subprocess.run(command, capture_output=True, text=True)
    return {(line["source"], line.get("path")): line.get("value") for line in map(json.loads, done.stdout.splitlines())}


if len(sys.argv) != 2:
    sys.exit(__doc__)
failures = rows = 0
official = {}
with tempfile.TemporaryDirectory() as work:
    script = os.path.join(HERE, "pipelines.mjs")
    done = subprocess.run(["node", script, sys.argv[1], work], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr[-2000:])
    names = set()
    for row in map(json.loads, done.stdout.splitlines()):
        rows += 1
        names.add(tuple(row["codecs"]))
        try:
            why = judge(row)
        except Exception as error:
            why = f"the official client fails: {type(error).__name__}: {error}"
        if why:
            failures += 1
            print(f"{row['file']} {row['path']} ({row['data_type']}, {' '.join(row['codecs'])}): {why[:300]}")
    found = moraine_digests(sorted({target for target, _ in official}))
    for place, expected in official.items():
        if found.get(place) != expected:
            failures += 1
            print(f"{place[1]} of {place[0]}: moraine reads other values than the official client wrote")
print(f"{rows} pipelines of data type and codecs, {len(names)} lists of codecs, {failures} failures")
sys.exit(1 if failures or rows == 0 else 0)
