#!/usr/bin/env python3
"""Makes test/data/kerchunk: sets of references and what zarr-python reads through fsspec from them (expected.json).

usage: make-kerchunk-data.py     (needs zarr, fsspec, jinja2, kerchunk, pandas and fastparquet)
"""
import base64, json, os, shutil, warnings

import fsspec
import kerchunk.df
import numpy as np
import zarr

warnings.simplefilter("ignore")
OUT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "data", "kerchunk"))
shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(OUT)
np.arange(512, dtype="<i2").tofile(os.path.join(OUT, "raw.bin"))
np.arange(4, dtype=">f8").tofile(os.path.join(OUT, "whole.bin"))


def zarray(shape, chunks, dtype, fill=None, **more):
    return {"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": dtype, "fill_value": fill, "order": "C",
            "filters": None, "compressor": None, **more}


def b64(array):
    return "base64:" + base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


GROUP = {"zarr_format": 2}
refs = {
    ".zgroup": json.dumps(GROUP),
    ".zattrs": '{"title": "by hand", "bad": NaN}',
    "a/.zarray": json.dumps(zarray([4, 5], [2, 2], "<i2", -1)),
    "a/.zattrs": json.dumps({"_ARRAY_DIMENSIONS": ["y", "x"], "units": "m"}),
    "a/0.0": ["raw.bin", 0, 8],
    "a/0.1": ["raw.bin", 100, 8],
    "a/0.2": b64(np.array([7, 8, 9, 10], "<i2")),
    "a/1.1": ["raw.bin", 1016, 8],
    "s/.zarray": zarray([], [], "<f4", 0.5),
    "s/.zattrs": {"_ARRAY_DIMENSIONS": []},
    "s/0": b64(np.float32(2.5)),
    "w/.zarray": json.dumps(zarray([4], [4], ">f8", "NaN")),
    "w/.zattrs": json.dumps({"_ARRAY_DIMENSIONS": ["w"]}),
    "w/0": ["whole.bin"],
    "g/.zgroup": json.dumps(GROUP),
    "g/b/.zarray": json.dumps(zarray([6], [2], "|u1", 9, dimension_separator="/")),
    "g/b/.zattrs": "{}",
    "g/b/0": "AB",
    "g/b/2": ["raw.bin", 65, 2],
}
templated = {
    "version": 1,
    "templates": {"u": "raw.bin", "f": "{{c}}.bin"},
    "gen": [
        {"key": "n/{{i}}.{{j}}", "url": "{{u}}", "offset": "{{(i * 2 + j) * 8 + 16}}", "length": "8",
         "dimensions": {"i": {"stop": 3}, "j": [0, 1]}},
    ],
    "refs": {
        ".zgroup": json.dumps(GROUP),
        "n/.zarray": json.dumps(zarray([6, 4], [2, 2], "<i2")),
        "n/.zattrs": json.dumps({"_ARRAY_DIMENSIONS": ["y", "x"]}),
        "t/.zarray": json.dumps(zarray([2], [2], "<i2")),
        "t/0": ["{{f(c='raw')}}", 20, 4],
    },
}
array3 = {
    "zarr_format": 3, "node_type": "array", "shape": [3, 2], "data_type": "int16",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 2]}},
    "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
    "fill_value": -3, "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
    "attributes": {"units": "K"}, "dimension_names": ["y", "x"], "storage_transformers": [],
}
version3 = {
    "version": 1,
    "refs": {
        "zarr.json": json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {"title": "three"}}),
        "v/zarr.json": json.dumps(array3),
        "v/c/0/0": ["raw.bin", 10, 4],
        "v/c/2/0": ["raw.bin", 30, 4],
    },
}


def plain(values):
    values = np.asarray(values)
    if values.dtype.kind == "f":
        return [str(v) if np.isnan(v) else v for v in values.ravel().tolist()]
    return values.ravel().tolist()


def absolute(document):
    text = json.dumps(document).replace("raw.bin", OUT + "/raw.bin").replace("whole.bin", OUT + "/whole.bin")
    text = text.replace('"{{c}}.bin"', json.dumps(OUT + "/{{c}}.bin"))
    return json.loads(text)


def read(group):
    found = {}
    for name, node in group.members(max_depth=None):
        if isinstance(node, zarr.Array):
            found[name] = {"shape": list(node.shape), "dtype": node.dtype.name, "values": plain(node[...])}
    return found


expected = {}
for name, document, version in (("version-0.json", refs, 2), ("version-1.json", {"version": 1, "refs": refs}, 2),
                                ("templates.json", templated, 2), ("zarr-3.json", version3, 3)):
    with open(os.path.join(OUT, name), "w") as out:
        json.dump(document, out, indent=0)
    fs = fsspec.filesystem("reference", fo=absolute(document), remote_protocol="file", simple_templates=False, asynchronous=False)
    store = zarr.storage.FsspecStore.from_mapper(fs.get_mapper(""))
    expected[name] = read(zarr.open_group(store, mode="r", zarr_format=version))

flat = {key: value if isinstance(value, (str, list)) else json.dumps(value) for key, value in refs.items()}
flat["g/b/.zarray"] = flat["g/b/.zarray"].replace(', "dimension_separator": "/"', "")
flat["a/1.0"] = ["raw.bin", 200, 8]  # pandas 3 makes missing rows unreadable for fsspec
flat["a/1.2"] = ["raw.bin", 300, 8]
flat["g/b/1"] = ["raw.bin", 70, 2]
kerchunk.df.refs_to_dataframe({"version": 1, "refs": flat}, os.path.join(OUT, "set.parquet"), record_size=4)
fs = fsspec.filesystem("reference", fo=absolute({"version": 1, "refs": flat}), remote_protocol="file")
expected["set.parquet"] = read(zarr.open_group(zarr.storage.FsspecStore.from_mapper(fs.get_mapper("")), mode="r", zarr_format=2))
with open(os.path.join(OUT, "expected.json"), "w") as out:
    json.dump(expected, out, indent=0, sort_keys=True)
