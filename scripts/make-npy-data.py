"""Writes test/data/npy: arrays.json, `.npy` files by NumPy in base64, each with its shape, data type and the SHA-256 of
its values in C order, little-endian (as `digest` tells them).

usage: python scripts/make-npy-data.py   (needs numpy)
Every run writes the same bytes.
"""

import base64, hashlib, io, json, pathlib

import numpy as np

target = pathlib.Path(__file__).resolve().parent.parent / "test/data/npy"
target.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(20261125)
files = []


def little(array):
    def swap(dtype):
        if dtype.fields:
            return np.dtype([(name, swap(dtype.fields[name][0])) for name in dtype.names])
        if dtype.subdtype:
            return np.dtype((swap(dtype.subdtype[0]), dtype.subdtype[1]))
        return dtype.newbyteorder("<")

    return np.ascontiguousarray(array).astype(swap(array.dtype)).tobytes()


def add(name, array, version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version, allow_pickle=False)
    files.append({
        "name": name,
        "shape": list(array.shape),
        "digest": hashlib.sha256(little(array)).hexdigest(),
        "file": base64.b64encode(file.getvalue()).decode(),
    })


for code in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"):
    for order in "<>":
        dtype = np.dtype(code).newbyteorder(order)
        values = random.integers(0, 2 if code == "?" else 100, (3, 4)).astype(dtype)
        add(f"{order}{code}", values)
for order in "<>":
    add(f"{order}U", np.array(["", "ä𝄞", "abcdé"], dtype=f"{order}U5"))
    add(f"{order}M8", np.array(["2020-01-01", "NaT", "1969-12-31"], dtype=f"{order}M8[25s]"))
    add(f"{order}m8", np.array([1, -5, 7], dtype=f"{order}m8[ns]"))
    add(f"{order}record", np.array([(1, 2.5), (3, -4.5)], dtype=[("a", f"{order}i2"), ("b", f"{order}f8")]))
add("S", np.array([b"", b"abc", b"ab"]))
add("V", np.array([b"abcd", b"\0efg"], dtype="V4"))
add("mixed record", np.array([(1, 2, (3, 4))], dtype=[("a", ">i4"), ("b", "<u2"), ("c", ">f4", (2,))]))
add("nested record", np.array([(1, (2, b"xy"))], dtype=[("a", "i1"), ("b", [("c", "<i4"), ("d", "S2")])]))
cube = random.integers(-1000, 1000, (4, 5, 6)).astype(">i4")
for version in ((1, 0), (2, 0), (3, 0)):
    add(f"version {version[0]}", cube, version)
add("names beyond Latin-1", np.array([(1,)], dtype=[("größe 𝄞'", "<i4")]), (3, 0))
add("Fortran order", np.asfortranarray(cube))
add("Fortran order, one axis", np.asfortranarray(cube[0, 0]))
add("scalar", np.array(7.5))
add("empty", np.zeros((3, 0, 2), "f4"))
big = np.arange(6 * 500 * 500, dtype="<f4").reshape(6, 500, 500)
# Their values follow from their names; only the digests are kept.
large = []
for name, array in (("C", big), ("F", np.asfortranarray(big))):
    file = io.BytesIO()
    np.save(file, array)
    large.append({"name": name, "digest": hashlib.sha256(little(array)).hexdigest(),
                  "sha256": hashlib.sha256(file.getvalue()).hexdigest()})
refused = []
for name, array in (
    ("objects", np.array([None, {"a": 1}], dtype=object)),
    ("gaps", np.zeros(2, dtype={"names": ["a", "b"], "formats": ["i1", "i4"], "offsets": [0, 4], "itemsize": 8})),
    ("long double", np.zeros(2, dtype="longdouble")),
):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=True)
    refused.append({"name": name, "file": base64.b64encode(file.getvalue()).decode()})
(target / "arrays.json").write_text(json.dumps({"files": files, "refused": refused, "large": large}, indent=1) + "\n")
