"""Random HDF5 and NetCDF files: every dataset that the C libraries read must have the same values in moraine.

usage: python scripts/checks/random-files.py GENERATOR [--seed N] [--count N]

GENERATOR writes them: python GENERATOR OUTDIR SEED COUNT.
"""

import argparse, hashlib, json, os, subprocess, sys, tempfile

import h5py, netCDF4, numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = ["node", os.path.join(HERE, "..", "..", "bin", "moraine.js")]
BATCH = 50


def little(dtype):
    """The same type without padding, every number little-endian."""
    if dtype.fields:
        return np.dtype([(name, little(dtype.fields[name][0])) for name in dtype.names])
    if dtype.subdtype:
        base, shape = dtype.subdtype
        return np.dtype((little(base), shape))
    return dtype.newbyteorder("<")


def digest(array):
    array = np.asarray(array)
    if array.dtype.kind == "O":
        return None
    return hashlib.sha256(np.ascontiguousarray(array.astype(little(array.dtype))).tobytes()).hexdigest()


def expected(path):
    """Path to digest, as h5py or netCDF4 reads it."""
    found = {}
    if h5py.is_hdf5(path):
        with h5py.File(path) as file:
            file.visititems(lambda name, node: found.update({f"/{name}": digest(node[()])}) if isinstance(node, h5py.Dataset) else None)
    else:
        with netCDF4.Dataset(path) as dataset:
            dataset.set_auto_maskandscale(False)
            dataset.set_auto_chartostring(False)
            for name, variable in dataset.variables.items():
                found[f"/{name}"] = digest(variable[...])
    return found


parser = argparse.ArgumentParser()
parser.add_argument("generator")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--count", type=int, default=200)
arguments = parser.parse_args()
right, wrong = 0, []
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.executable, arguments.generator, folder, str(arguments.seed), str(arguments.count)], check=True, stdout=subprocess.DEVNULL)
    files = sorted(os.path.join(folder, name) for name in os.listdir(folder))
    for at in range(0, len(files), BATCH):
        batch = files[at : at + BATCH]
        done = subprocess.run([*PROGRAM, "digest", "--json", *batch], capture_output=True, text=True)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        mine = {(row["source"], row.get("path")): row for row in rows}
        for path in batch:
            for name, value in expected(path).items():
                row = mine.get((path, name)) or mine.get((path, None)) or {"error": "no line"}
                if value is None:
                    continue
                if (row.get("value") or {}).get("bytes") == value:
                    right += 1
                else:
                    wrong.append(f"{os.path.basename(path)} {name}: {row.get('error') or row.get('value')}")
for line in wrong[:20]:
    print(line)
print(f"{right} datasets right, {len(wrong)} not, in {len(files)} files of seed {arguments.seed}")
sys.exit(1 if wrong or right == 0 else 0)
