#!/usr/bin/env python3
"""Makes test/data/combine: archives of small files and what xarray.open_mfdataset makes of them (expected.json).

usage: make-combine-data.py     (needs netCDF4, cftime, numpy and xarray with dask)
"""
import json, os, warnings

import cftime
import netCDF4
import numpy as np
import xarray as xr

warnings.simplefilter("ignore")
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "data", "combine")
os.makedirs(OUT, exist_ok=True)
cases = {}
NESTED = dict(combine="nested", concat_dim="time", data_vars="minimal")
BY_COORDS = dict(combine="by_coords", data_vars="minimal")


def make(name, time, units="days since 2000-01-01", lon=(0, 3), chunk=None, kind="f8", step=1, form="NETCDF4",
         zlib=True, extra=False, bounds=False, group=None, packing=None, unlimited=False, level=1,
         number=None, turned=False, fill=-999, first=None):
    n = time[1] - time[0]
    with netCDF4.Dataset(os.path.join(OUT, name), "w", format=form) as data:
        g = data.createGroup(group) if group else data
        g.title = name
        g.createDimension("time", None if unlimited or form != "NETCDF4" else n)
        g.createDimension("lat", 2)
        g.createDimension("lon", lon[1] - lon[0])
        index = np.arange(*time)
        t = g.createVariable("time", kind, ("time",))
        t.units = units
        t[:] = (index - (time[0] if step else 0)) * step if units != "days since 2000-01-01" else index
        if bounds:
            g.createDimension("nv", 2)
            t.bounds = "time_bnds"
            g.createVariable("time_bnds", kind, ("time", "nv"))[:] = np.stack([t[:], t[:] + step], 1)
        g.createVariable("lat", "f4", ("lat",))[:] = [10, 20]
        g.createVariable("lon", "f4", ("lon",))[:] = np.arange(*lon)
        g.createVariable("mask", "i1", ("lat", "lon"))[:] = np.arange(*lon) % 2
        options = dict(zlib=zlib, shuffle=zlib, complevel=level, chunksizes=chunk) if form == "NETCDF4" else {}
        names = ("time", "lon", "lat") if turned else ("time", "lat", "lon")
        v = g.createVariable("v", number or ("i2" if packing else "f4"), names, fill_value=fill, **options)
        v.set_auto_maskandscale(False)
        if packing:
            v.scale_factor, v.add_offset = packing
        values = index[:, None, None] * 100 + np.arange(2)[None, :, None] * 10 + np.arange(*lon)[None, None, :]
        v[:] = np.swapaxes(values, 1, 2) if turned else values
        if first is not None:
            v[0, 0, :len(first)] = first
        if extra:
            g.createVariable("extra", "f4", ("time",), fill_value=-1)[:] = index
    return name


def case(title, files, options, how, group=None, unpacked=False):
    """Raw values (unless they are unpacked), and times as seconds since 1970 where the files differ in units."""
    paths = [os.path.join(OUT, name) for name in files]
    raw = dict(decode_times=False, mask_and_scale=unpacked)
    if "reordered" in how:  # by_coords refuses files that hold nothing
        how = dict(how)
        paths = [paths[number] for number in how.pop("reordered")]
    decoded = xr.open_mfdataset(paths, **how, group=group, coords="minimal", compat="override", chunks={})
    plain = xr.open_mfdataset(paths, **how, group=group, coords="minimal", compat="override", chunks={}, **raw)
    variables = {}
    for name, v in plain.variables.items():
        values = v.values
        if np.issubdtype(decoded[name].dtype, np.datetime64):
            values = decoded[name].values.astype("datetime64[s]").astype("int64")
        elif name == "extra" or values.dtype.kind == "f":
            values = np.where(np.isnan(values), -1, values)
        variables[name] = {"dimensions": list(v.dims), "shape": list(v.shape), "values": values.ravel().tolist(),
                           "time": bool(np.issubdtype(decoded[name].dtype, np.datetime64))}
    cases[title] = {"files": files, "options": options, "group": group, "variables": variables}


CHUNK = (2, 2, 3)
daily = [make(f"daily-{i}.nc", (4 * i, 4 * i + 4), chunk=CHUNK, level=1 + i) for i in range(3)]
case("files in order", daily, {"concat": "time"}, NESTED)
case("files by their coordinates", [daily[2], daily[0], daily[1]], {"byCoords": True}, BY_COORDS)
partial = [make(f"partial-{i}.nc", t, chunk=(4, 2, 3)) for i, t in enumerate(((0, 5), (5, 9), (9, 13)))]
case("a partial chunk in the middle", partial, {"concat": "time"}, NESTED)
case("a partial chunk in a regular grid", partial, {"concat": "time", "grid": "regular"}, NESTED)
leap = [make(f"leap-{i}.nc", t, chunk=(t[1] - t[0], 2, 3)) for i, t in enumerate(((0, 6), (6, 11)))]
case("whole chunks of different lengths", leap, {"concat": "time"}, NESTED)
oversized = [make(f"oversized-{i}.nc", (3 * i, 3 * i + 3), chunk=(64, 2, 3), unlimited=True) for i in range(2)]
case("oversized chunks", oversized, {"concat": "time"}, NESTED)
tiles = [make(f"tile-{i}{j}.nc", (2 * i, 2 * i + 2), lon=(3 * j, 3 * j + 3), chunk=CHUNK) for i in range(2) for j in range(2)]
case("tiles", tiles[::-1], {"byCoords": True}, BY_COORDS)
uneven = [make(f"uneven-{i}{j}.nc", ((0, 3), (3, 8))[i], lon=((0, 3), (3, 7))[j], chunk=(2, 2, 2)) for i in range(2) for j in range(2)]
case("tiles with partial chunks on both axes", uneven, {"byCoords": True}, BY_COORDS)
case("tiles with partial chunks in a regular grid", uneven, {"byCoords": True, "grid": "regular"}, BY_COORDS)
units = [daily[0], make("units-1.nc", (4, 8), units="hours since 2000-01-05", step=24, chunk=CHUNK),
         make("units-2.nc", (8, 12), units="days since 2000-01-09", chunk=CHUNK)]
case("times in different units", units, {"concat": "time"}, NESTED)
gaps = []
for i, unit in enumerate(("hours since 2000-01-01", "days since 2000-01-01")):
    with netCDF4.Dataset(os.path.join(OUT, f"gap-{i}.nc"), "w") as data:
        data.createDimension("time", 2)
        t = data.createVariable("time", "i4", ("time",), fill_value=-1)
        t.units, t[:] = unit, np.ma.masked_array([24 * (i + 1) // (24 if i else 1), 0], [False, True])
        gaps.append(f"gap-{i}.nc")
for i, calendar in enumerate(("noleap", "proleptic_gregorian", "gregorian")):
    with netCDF4.Dataset(os.path.join(OUT, f"calendar-{i}.nc"), "w") as data:
        data.createDimension("time", 2)
        t = data.createVariable("time", "i4", ("time",))
        t.units, t.calendar, t[:] = "days since 2000-03-01", calendar, [2 * i, 2 * i + 1]
bounds = [make(f"bounds-{i}.nc", (2 * i, 2 * i + 2), units=f"days since 2000-01-0{1 + 2 * i}", bounds=True, chunk=CHUNK, kind="i4") for i in range(2)]
case("bounds of times in different units", bounds, {"concat": "time"}, NESTED)
classic = [make(f"classic-{i}.nc", (2 * i, 2 * i + 2), form="NETCDF3_CLASSIC") for i in range(2)]
case("classic files", classic, {"concat": "time"}, NESTED)
extra = [make(f"extra-{i}.nc", (2 * i, 2 * i + 2), chunk=CHUNK, extra=i != 1) for i in range(3)]
case("an array that one file lacks", extra, {"concat": "time"}, NESTED)
groups = [make(f"group-{i}.nc", (2 * i, 2 * i + 2), chunk=CHUNK, group="model") for i in range(2)]
case("groups", groups, {"concat": "time"}, NESTED, group="model")
codecs = [daily[0], make("codecs-1.nc", (4, 8), chunk=CHUNK, zlib=False), daily[2]]
case("another encoding, decoded", codecs, {"concat": "time", "drift": "decode"}, NESTED)
case("mostly another encoding, decoded", [codecs[1], *daily], {"concat": "time", "drift": "decode"}, NESTED)
turned = [daily[0], make("turned-1.nc", (4, 8), chunk=(2, 3, 2), turned=True), daily[2]]
case("another order of dimensions, decoded", turned, {"concat": "time", "drift": "decode"}, NESTED)
make("marked-1.nc", (4, 8), chunk=CHUNK, fill=-1, first=[-1])
make("marked-2.nc", (4, 8), chunk=CHUNK, fill=-1, first=[-1, -999])
wide = [daily[0], make("wide-1.nc", (4, 8), chunk=CHUNK, number="f8", kind="i4"), make("wide-2.nc", (8, 12), chunk=CHUNK, number="i2")]
case("other types, widened", wide, {"concat": "time", "drift": "decode"}, NESTED)
whole = [make("whole-0.nc", (0, 4), chunk=CHUNK, kind="i4"), make("whole-1.nc", (4, 8), units="hours since 2000-01-05", step=24, chunk=CHUNK, kind="i4"),
         make("whole-2.nc", (8, 12), units="days since 2000-01-09", chunk=CHUNK, kind="i4"), make("whole-3.nc", (12, 16), units="hours since 2000-01-01", step=24, chunk=CHUNK, kind="i4")]
case("whole times in different units", whole, {"concat": "time"}, NESTED)
empty = [daily[0], make("empty-1.nc", (4, 4), chunk=CHUNK, unlimited=True), daily[1]]
case("a file that holds no step", empty, {"concat": "time"}, NESTED)
filled = []
for i in range(2):
    with netCDF4.Dataset(os.path.join(OUT, f"filled-{i}.nc"), "w") as data:
        data.createDimension("time", None)
        t = data.createVariable("time", "f8", ("time",))
        t.units, t[:] = "days since 2000-01-01", np.arange(3 * i, 3 * i + 3)
        v = data.createVariable("v", "f4", ("time",), fill_value=-999, zlib=True, chunksizes=(4,))
        v[:] = np.full(3, -999)
        filled.append(f"filled-{i}.nc")
case("nothing but missing values", filled, {"concat": "time"}, NESTED)
summed = []
for i in range(2):
    with netCDF4.Dataset(os.path.join(OUT, f"summed-{i}.nc"), "w") as data:
        data.createDimension("time", 4)
        t = data.createVariable("time", "f8", ("time",))
        t.units, t[:] = "days since 2000-01-01", np.arange(4 * i, 4 * i + 4)
        if i == 0:
            data.createVariable("v", "f8", ("time",), fill_value=-1, zlib=True, shuffle=True, fletcher32=True, chunksizes=(2,))[:] = np.arange(4)
        summed.append(f"summed-{i}.nc")
case("an array that one file lacks, in an encoding that official clients cannot read", summed, {"concat": "time"}, NESTED)
case("a file that holds no step, by coordinates", [daily[1], "empty-1.nc", daily[0]], {"byCoords": True}, NESTED | {"reordered": [2, 0]})


def small(name, dims, variables):
    """Variables by name: type, dimensions, values as they are stored, attributes."""
    with netCDF4.Dataset(os.path.join(OUT, name), "w") as data:
        for dimension, length in dims.items():
            data.createDimension(dimension, length)
        for variable, (kind, names, values, attributes) in variables.items():
            attributes = dict(attributes)
            v = data.createVariable(variable, kind, names, fill_value=attributes.pop("_FillValue", None))
            v.set_auto_maskandscale(False)
            v.setncatts(attributes)
            v[:] = values
    return name


own = [small(f"own-bounds-{i}.nc", {"time": 2, "nv": 2}, {
    "time": ("f8", ("time",), [1, 2], {"units": f"days since 2000-01-0{1 + 3 * i}", "bounds": "time_bnds"}),
    "time_bnds": ("f8", ("time", "nv"), np.array([[0, 1], [1, 2]]) * (24 if i else 1), {"units": "hours since 2000-01-04"} if i else {})}) for i in range(2)]
case("bounds that have units of their own in one file", own, {"concat": "time"}, NESTED)
for i in range(2):
    small(f"climatology-{i}.nc", {"time": 2, "nv": 2}, {
        "time": ("f8", ("time",), [1, 2], {"units": f"days since 2000-01-0{1 + 3 * i}", "climatology": "cells"}),
        "cells": ("f8", ("time", "nv"), [[0, 1], [1, 2]], {})})
offsets = [small(f"offset-{i}.nc", {"x": 2}, {
    "x": ("i2", ("x",), [1, 2], {"scale_factor": 1.0, "add_offset": (100.0, 0.0, 50.0)[i]}), "v": ("f4", ("x",), [i, i + 0.5], {})}) for i in range(3)]
case("packed coordinates, by their values", offsets, {"byCoords": True, "drift": "decode"}, BY_COORDS, unpacked=True)
for i in range(2):
    small(f"months-{i}.nc", {"time": 2}, {"time": ("f8", ("time",), [2 * i, 2 * i + 1], {"units": "months since 2000-01-01"}), "v": ("f4", ("time",), [i, i + 0.5], {})})
small("timeless.nc", {"x": 2}, {"w": ("f4", ("x",), [1, 2], {})})
small("unnamed-times.nc", {"time": 2, "x": 2}, {"v": ("f4", ("time", "x"), [[1, 2], [3, 4]], {"_FillValue": np.float32(-1)}), "w": ("f4", ("x",), [1, 2], {})})
make("packed-0.nc", (0, 2), chunk=CHUNK, packing=(0.5, 1.0))
make("packed-1.nc", (2, 4), chunk=CHUNK, packing=(0.25, 1.0))

# Numbers packed in several ways (raw numbers are written, None is missing), and what xarray reads of two of them.
repacked = {}


def pack(name, day, kind, raw, scale=None, offset=None, fill=None, unsigned=None):
    with netCDF4.Dataset(os.path.join(OUT, name), "w") as data:
        data.createDimension("time", None)
        t = data.createVariable("time", "f8", ("time",))
        t.units, t[:] = "days since 2000-01-01", day + np.arange(len(raw))
        v = data.createVariable("v", kind, ("time",), fill_value=fill, zlib=True, chunksizes=(len(raw),))
        v.set_auto_maskandscale(False)
        for key, value in (("scale_factor", scale), ("add_offset", offset), ("_Unsigned", unsigned)):
            if value is not None:
                v.setncattr(key, value)
        v[:] = np.array([fill if number is None else number for number in raw], kind)
    return name


def pair(title, files):
    paths = [os.path.join(OUT, name) for name in files]
    values = xr.open_mfdataset(paths, **NESTED, chunks={})["v"].values.astype("f8")
    repacked[title] = {"files": files, "values": [None if np.isnan(value) else float(value) for value in values]}


quarters = pack("pack-quarters.nc", 0, "i2", [0, 1, None, 30000], 0.25, 10.0, -999)
pair("coarser steps and another mark of missing values", [quarters, pack("pack-halves.nc", 4, "i2", [0, -7, None, 9000], 0.5, 11.0, -1)])
pair("floats", [quarters, pack("pack-floats.nc", 4, "f4", [10.25, None, -3.5, 7000.0], fill=-1.0)])
pair("integers that are not packed", [quarters, pack("pack-whole.nc", 4, "i8", [10, 11, 8201, -8000])])
pair("doubles for packed numbers", [pack("pack-doubles.nc", 0, "f8", [0.1, None], fill=1e20), quarters])
signed = pack("pack-signed.nc", 0, "i1", [0, -1, 127, -128], 0.5, unsigned="true")
pair("bytes that are read without a sign", [signed, pack("pack-bytes.nc", 4, "u1", [0, 255, 127, 200], 0.5)])
pack("pack-eighths.nc", 4, "i2", [0, 2, 3, 4], 0.125, 10.0, -999)
pack("pack-mark.nc", 4, "i4", [8, -1998], 0.125, 10.0, -1)
pack("pack-missing.nc", 4, "u1", [0, None], 0.5, fill=7)
pack("pack-large.nc", 4, "i4", [0, 80000], 0.25, 10.0, -999)
with open(os.path.join(OUT, "repacked.json"), "w") as out:
    json.dump(repacked, out, indent=0)

for name in ("bare", "flag"):
    with netCDF4.Dataset(os.path.join(OUT, f"{name}.nc"), "w") as data:
        data.createDimension("time", 2)
        t = data.createVariable("time", "f8", ("time",))
        t.units = "days since 2000-01-01"
        t[:] = [4, 5]
        if name == "flag":
            data.createVariable("flag", "i1", ("time",))[:] = [1, 0]

# Times of every calendar in two units, as cftime converts them.
rng = np.random.default_rng(3)
words = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
times = []
for calendar in ("standard", "gregorian", "proleptic_gregorian", "julian", "noleap", "365_day", "all_leap", "366_day", "360_day"):
    for _ in range(12):
        year = int(rng.choice([1, 4, 100, 1500, 1582, 1583, 1600, 1700, 1900, 1999, 2000, 2004, 2100]))
        day = int(rng.integers(1, 29)) if year != 1582 else int(rng.integers(16, 29))
        month = int(rng.integers(1, 13)) if year != 1582 else 11
        zone = str(rng.choice(["", "Z", " +02:00", "-03:30"])) if year > 1582 else ""
        source = f"{rng.choice(list(words))} since {year:04}-{month}-{day} {int(rng.integers(0, 24)):02}:30:00{zone}"
        target = f"{rng.choice(['seconds', 'minutes'])} since {int(rng.choice([1583, 1850, 1970, 2000]))}-3-1"
        value = int(rng.integers(-20000, 200000)) if year > 1600 else int(rng.integers(0, 200000))
        expected = cftime.date2num(cftime.num2date(value, source, calendar), target, calendar)
        times.append({"calendar": calendar, "value": value, "units": source, "target": target, "expected": float(expected)})
with open(os.path.join(OUT, "times.json"), "w") as out:
    json.dump(times, out, indent=0)

with open(os.path.join(OUT, "expected.json"), "w") as out:
    json.dump(cases, out, indent=0, sort_keys=True)
