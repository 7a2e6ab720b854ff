#!/usr/bin/env python3
"""Makes test/data/netcdf3: small classic files and what netCDF4-python reads from them (expected.json).

usage: make-netcdf3-data.py     (needs netCDF4 and numpy)
"""
import json, math, os, struct

import netCDF4
import numpy as np

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "data", "netcdf3")
FORMATS = {"cdf1": "NETCDF3_CLASSIC", "cdf2": "NETCDF3_64BIT_OFFSET", "cdf5": "NETCDF3_64BIT_DATA"}
CLASSIC = ["i1", "S1", "i2", "i4", "f4", "f8"]
LATER = ["u1", "u2", "u4", "i8", "u8"]
os.makedirs(OUT, exist_ok=True)
expected = {}


def ramp(shape, kind):
    n = int(np.prod(shape, dtype=int))
    if kind == "S1":
        return np.array([bytes([97 + i % 26]) for i in range(n)], "S1").reshape(shape)
    values = np.arange(n) * 7 % 120 - (0 if kind[0] == "u" else 50)
    if kind[0] == "f":
        values = values / 3
    return values.astype(kind).reshape(shape)


def plain(value):
    if isinstance(value, np.ndarray):
        return [plain(v) for v in value.ravel().tolist()]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and abs(value) >= 2**53:
        return f"{value}n"
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value


def describe(name, note=None):
    with netCDF4.Dataset(os.path.join(OUT, name)) as data:
        data.set_auto_maskandscale(False)
        data.set_auto_chartostring(False)
        expected[name] = {
            **({"note": note} if note else {}),
            "attributes": {k: plain(data.getncattr(k)) for k in data.ncattrs()},
            "variables": {
                v.name: {
                    "dimensions": list(v.dimensions),
                    "shape": list(v.shape),
                    "dtype": str(v.dtype),
                    "attributes": {k: plain(v.getncattr(k)) for k in v.ncattrs()},
                    "values": plain(np.asarray(v[...])) if v.ndim else [plain(np.asarray(v[...]).item())],
                }
                for v in data.variables.values()
            },
        }


def make(name, form, fill):
    with netCDF4.Dataset(os.path.join(OUT, name), "w", format=FORMATS[form]) as data:
        data.set_auto_maskandscale(False)
        fill(data)
    describe(name)


def every_type(kinds, records):
    def fill(data):
        data.createDimension("time", None)
        data.createDimension("y", 2)
        data.createDimension("x", 3)
        data.title = "all types ☃"
        data.empty = ""
        for kind in kinds:
            for prefix, dims, shape in (("record", ("time", "x"), (records, 3)), ("fixed", ("y", "x"), (2, 3)),
                                        ("scalar", (), ()), ("series", ("time",), (records,))):
                v = data.createVariable(f"{prefix}_{kind}", kind, dims)
                if kind != "S1":
                    v.several = ramp((3,), kind)
                    v.one = ramp((1,), kind)
                v[...] = ramp(shape, kind)
    return fill


def lone(kind, width, records):
    def fill(data):
        data.createDimension("time", None)
        data.createDimension("x", width)
        data.createVariable("lone", kind, ("time", "x"))[0:records] = ramp((records, width), kind)
        data.createVariable("x", "i2", ("x",))[:] = ramp((width,), "i2")
    return fill


def attributes(data):
    data.createDimension("x", 4)
    for kind, value in (("f4", -999.5), ("f8", math.nan), ("i2", -99), ("i4", -2147483648), ("i1", -1)):
        v = data.createVariable(f"fill_{kind}", kind, ("x",), fill_value=value)
        v.missing_value = np.array(value, kind)
        v[:] = ramp((4,), kind)
    v = data.createVariable("text", "S1", ("x",), fill_value=b"-")
    v.long_name = "characters"
    v[:] = ramp((4,), "S1")
    data.infinite = np.array([math.inf, -math.inf, math.nan])
    data.single = np.float32(0.1)


def padded(raw):
    return raw + b"\0" * (-len(raw) % 4)


def text(raw):
    return struct.pack(">I", len(raw)) + padded(raw)


def attribute(name, kind, count, raw, pad=b"\0"):
    return text(name) + struct.pack(">II", kind, count) + raw + pad * (-len(raw) % 4)


def by_hand(name, raw, note, described=True):
    with open(os.path.join(OUT, name), "wb") as out:
        out.write(raw)
    if described:
        describe(name, note)
    else:
        expected[name] = {"note": note, "refused": True}


def one_variable(numrecs=0, name=b"v", kind=4, begin=None, data=b"\0\0\0\7", dims=b"", ids=b"", attrs=(), vsize=4):
    listed = struct.pack(">II", 12, len(attrs)) + b"".join(attrs) if attrs else bytes(8)
    head = b"CDF\1" + struct.pack(">I", numrecs) + (dims or bytes(8)) + bytes(8) + struct.pack(">II", 11, 1)
    head += text(name) + struct.pack(">I", len(ids) // 4) + ids + listed + struct.pack(">II", kind, vsize)
    return head + struct.pack(">I", len(head) + 4 if begin is None else begin) + data


for form in FORMATS:
    kinds = CLASSIC + (LATER if form == "cdf5" else [])
    make(f"{form}-types.nc", form, every_type(kinds, 3))
    make(f"{form}-no-records.nc", form, every_type(kinds, 0))
    make(f"{form}-empty.nc", form, lambda data: None)
    make(f"{form}-lone-byte.nc", form, lone("i1", 3, 4))
make("cdf1-lone-short.nc", "cdf1", lone("i2", 3, 3))
make("cdf5-lone-ushort.nc", "cdf5", lone("u2", 3, 3))
make("cdf1-attributes.nc", "cdf1", attributes)

# The record count is not yet known: the same values as in the file that was finished.
for form, ones in (("cdf1", 4), ("cdf5", 8)):
    with open(os.path.join(OUT, f"{form}-types.nc"), "rb") as finished:
        raw = bytearray(finished.read())
    raw[4:4 + ones] = b"\xff" * ones
    with open(os.path.join(OUT, f"{form}-streaming.nc"), "wb") as out:
        out.write(raw)
    expected[f"{form}-streaming.nc"] = {**expected[f"{form}-types.nc"], "note": "record count of all ones"}

by_hand("name-with-nul.nc", one_variable(name=b"yy\0"), "a name that counts its trailing NUL")
by_hand("padding-not-zero.nc", one_variable(attrs=[attribute(b"a", 3, 1, b"\0\5", pad=b"\xee")]), "padding with other bytes")
by_hand("latin-1.nc", one_variable(attrs=[attribute(b"units", 2, 2, b"\xb0C")]), "text that is not UTF-8")
by_hand("empty-attribute.nc", one_variable(attrs=[attribute(b"none", 5, 0, b""), attribute(b"nul", 2, 3, b"a\0b")]), "no values, a NUL inside")
by_hand("wrong-vsize.nc", one_variable(vsize=0xFFFFFFFF), "a stored size that is wrong")
by_hand("header-only.nc", one_variable(begin=512, data=b""), "no data was written")
by_hand("ubyte-in-cdf1.nc", one_variable(kind=7, data=b"\xfe\0\0\0"), "a type of CDF-5 in CDF-1")

dim = lambda *dims: struct.pack(">II", 10, len(dims)) + b"".join(text(n) + struct.pack(">I", s) for n, s in dims)
by_hand("slashes.nc", one_variable(name=b"v/w", dims=dim((b"x/y", 1)), ids=struct.pack(">I", 0), attrs=[
    attribute(b"m/s", 2, 1, b"1"), attribute(b"m/s", 2, 1, b"2")]), "slashes in names, as libraries before 3.6.3 took them; two attributes of one name")
# A slash parts paths: in the dataset view the variable has another name.
expected["slashes.nc"]["variables"] = {name.replace("/", "_"): v for name, v in expected["slashes.nc"]["variables"].items()}
refused = {
    "bad-type.nc": one_variable(kind=12),
    "bad-dimension-index.nc": one_variable(ids=struct.pack(">I", 3), dims=dim((b"x", 1))),
    "bad-record-position.nc": one_variable(ids=struct.pack(">II", 0, 1), dims=dim((b"x", 1), (b"t", 0))),
    "bad-tag.nc": one_variable(dims=struct.pack(">II", 9, 1) + text(b"x") + struct.pack(">I", 2)),
    "bad-begin.nc": one_variable(begin=8),
    "bad-count.nc": one_variable(dims=struct.pack(">II", 10, 0x80000000)),
    "bad-truncated-header.nc": one_variable()[:50],
}
for name, raw in refused.items():
    by_hand(name, raw, "refused", described=False)
    if name in ("bad-count.nc", "bad-type.nc"):
        continue  # they abort the library
    try:
        netCDF4.Dataset(os.path.join(OUT, name)).close()
        raise SystemExit(f"netCDF-C reads {name}")
    except OSError as error:
        expected[name]["errno"] = error.errno

with open(os.path.join(OUT, "expected.json"), "w") as out:
    json.dump(expected, out, indent=0, sort_keys=True)
