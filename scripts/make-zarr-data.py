"""Writes test/data/zarr: small stores by zarr-python with what zarr-python and NumPy read from them.

stores.json: for each store its keys, values in base64.
expected.json: for each array its values and those of random selections; for each group its members and attributes.
stored.zip, deflated.zip: one of the stores in a zip archive, by zarr-python and by Python's zipfile.
Every run writes the same bytes.
"""

import base64
import json
import pathlib
import warnings
import zipfile

import numpy as np
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, TransposeCodec, ZstdCodec
from zarr.storage import MemoryStore, ZipStore

warnings.simplefilter("ignore")
zarr.config.set({"array.rectilinear_chunks": True})
target = pathlib.Path(__file__).resolve().parent.parent / "test/data/zarr"
target.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(20261125)
stores, arrays, groups = {}, [], []


def text(value):
    return base64.b64encode(bytes(value)).decode()


def keep(name, store):
    stores[name] = {key: text(value.to_bytes()) for key, value in sorted(store._store_dict.items())}


def packed(values):
    values = np.asarray(values)
    if values.dtype.kind in "TO":
        return [str(item) for item in values.ravel()]
    return text(np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes())


def random_slice(length):
    bounds = [None if random.random() < 0.2 else int(random.integers(-length - 2, length + 3)) for _ in range(2)]
    step = int(random.integers(1, 4)) * (1 if random.random() < 0.6 else -1)
    return slice(*bounds, step)


def random_part(length, lists):
    kind = random.random()
    if kind < 0.25:
        return int(random.integers(-length, length))
    if kind < 0.6 or not lists:
        return random_slice(length)
    if kind < 0.8:
        return random.integers(-length, length, random.integers(0, 5))
    return random.random(length) < 0.3


def jsonable(part):
    if isinstance(part, slice):
        return {"slice": [part.start, part.stop, part.step]}
    if isinstance(part, np.ndarray):
        return {"mask" if part.dtype == bool else "list": part.tolist()}
    return part


def orthogonal(values, parts):
    """NumPy's own, one axis after another."""
    axis = 0
    for part in parts:
        if isinstance(part, int):
            values = np.take(values, part, axis)
            continue
        values = values[(slice(None),) * axis + (part,)]
        axis += 1
    return values


def expect(store, path, array, count=16):
    values = array[...]
    selections = []
    shape = array.shape
    while shape and 0 not in shape and len(selections) < count:
        if random.random() < 0.2:
            points = tuple(random.integers(-n, n, 5) for n in shape)
            chosen = values[points]
            item = {"coordinates": [p.tolist() for p in points]}
            # zarr-python takes no negative points.
            assert np.array_equal(chosen, array.vindex[tuple(p % n for p, n in zip(points, shape))])
        else:
            parts = [random_part(n, True) for n in shape]
            chosen = orthogonal(values, parts)
            item = {"parts": [jsonable(part) for part in parts]}
            steps = [part.step for part in parts if isinstance(part, slice)]
            if all(step > 0 for step in steps):
                assert np.array_equal(chosen, array.oindex[tuple(parts)])
        if chosen.size <= 60:
            selections.append({**item, "shape": list(chosen.shape), "value": packed(chosen)})
    arrays.append({
        "store": store, "path": path, "shape": list(shape), "data_type": str(values.dtype),
        "value": packed(values), "selections": selections,
    })


def numbers(shape, dtype):
    return (np.arange(np.prod(shape)).reshape(shape) * 37 % 1009 - 300).astype(dtype)


# Layouts, read by selections.
memory = MemoryStore()
root = zarr.create_group(memory, attributes={"title": "layouts", "big": 2**63 + 11})
shape = (13, 10, 6)
data = numbers(shape, "int16")
bytes_little = BytesCodec(endian="little")
index_codecs = [bytes_little, Crc32cCodec()]
layouts = {
    "plain": dict(chunks=(4, 3, 6), compressors=ZstdCodec(level=1)),
    "raw": dict(chunks=(5, 4, 6), compressors=None),
    "sharded": dict(chunks=(4, 3, 2), shards=(8, 6, 6), compressors=ZstdCodec(level=1, checksum=True)),
    "transposed": dict(
        chunks=(4, 10, 3), filters=[TransposeCodec(order=(2, 0, 1))], serializer=BytesCodec(endian="big"),
        compressors=[GzipCodec(level=1), Crc32cCodec()],
    ),
    "index_first": dict(
        chunks=(6, 5, 6), compressors=None,
        serializer=ShardingCodec(
            chunk_shape=(3, 5, 2), codecs=[bytes_little, BloscCodec(typesize=2, cname="lz4")],
            index_codecs=index_codecs, index_location="start",
        ),
    ),
    "nested": dict(
        chunks=(8, 10, 6), compressors=None,
        serializer=ShardingCodec(
            chunk_shape=(4, 10, 6), index_codecs=index_codecs,
            codecs=[ShardingCodec(chunk_shape=(2, 5, 3), codecs=[bytes_little], index_codecs=index_codecs)],
        ),
    ),
    "shard_checksum": dict(
        chunks=(8, 10, 6), compressors=[Crc32cCodec()],
        serializer=ShardingCodec(chunk_shape=(4, 5, 6), codecs=[bytes_little], index_codecs=index_codecs),
    ),
}
for name, options in layouts.items():
    array = root.create_array(name, shape=shape, dtype="int16", fill_value=-300, **options)
    array[...] = data
    array[4:8, 3:6, :] = -300
    expect("layouts", name, array)
rectilinear = root.create_array("rectilinear", shape=(13, 7), chunks=[[3, 1, 5, 4], [4, 3]], dtype="float64", fill_value=np.nan)
rectilinear[...] = numbers((13, 7), "float64") / 8
expect("layouts", "rectilinear", rectilinear)
names = root.create_array("names", shape=(7, 4), chunks=(3, 4), dtype="string", fill_value="?")
names[:5] = np.array([[f"é{i}{'x' * j}" for j in range(4)] for i in range(5)], dtype="T")
expect("layouts", "names", names)
for name, empty in {"scalar": (), "empty": (0, 3)}.items():
    array = root.create_array(name, shape=empty, chunks=(1,) * len(empty), dtype="uint8", fill_value=7)
    expect("layouts", name, array)
fixed = root.create_array("fixed", shape=(9,), chunks=(4,), shards=(8,), dtype="U3")
fixed[...] = np.array(["", "a", "żó", "xyz", "\U0001f600", "b", "", "c", "d"])
arrays.append({"store": "layouts", "path": "fixed", "shape": [9], "data_type": "texts",
               "value": [str(item) for item in fixed[...]], "selections": []})
keep("layouts", memory)

# Zarr v2.
memory = MemoryStore()
old = zarr.create_group(memory, zarr_format=2, attributes={"old": True})
fortran = old.create_array("fortran", shape=shape, chunks=(4, 5, 6), dtype=">i4", order="F", fill_value=5)
fortran[:9] = numbers(shape, "int32")[:9]
expect("v2", "fortran", fortran)
keep("v2", memory)

# A tree with and without consolidated metadata.
for store, consolidated in (("tree", False), ("consolidated", True)):
    memory = MemoryStore()
    root = zarr.create_group(memory, attributes={"level": 0})
    a = root.create_group("a", attributes={"level": 1})
    b = a.create_group("b b", attributes={"level": 2})
    for group, name in ((root, "x"), (a, "x"), (b, "ü")):
        array = group.create_array(name, shape=(3,), chunks=(2,), dtype="int8", dimension_names=["x"])
        array[...] = [1, 2, 3]
    root.create_group("empty")
    if consolidated:
        zarr.consolidate_metadata(memory)
    for path, group in (("", root), ("a", a), ("a/b b", b), ("empty", root["empty"])):
        groups.append({
            "store": store, "path": path, "attributes": dict(group.attrs), "consolidated": consolidated and path == "",
            "members": {name: "array" if isinstance(node, zarr.Array) else "group" for name, node in sorted(group.members())},
        })
    keep(store, memory)

(target / "stores.json").write_text(json.dumps(stores, indent=0) + "\n")
(target / "expected.json").write_text(json.dumps({"arrays": arrays, "groups": groups}, indent=0) + "\n")

# The same store in zip archives.
moment = (2026, 11, 25, 0, 0, 0)
for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
    with zipfile.ZipFile(target / f"{name}.zip", "w", method) as archive:
        for key, value in stores["tree"].items():
            archive.writestr(zipfile.ZipInfo(key, moment), base64.b64decode(value), method)
with ZipStore(target / "deflated.zip", mode="r") as store:
    assert zarr.open_group(store, mode="r")["a/x"][...].tolist() == [1, 2, 3]
