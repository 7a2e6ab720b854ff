"""Archives of many files, combined: a repository (opened by icechunk) and Kerchunk references (JSON and Parquet, opened by
fsspec) must be to xarray what xarray.open_mfdataset makes of the original files: values, coordinates, attributes.

usage: python scripts/checks/xarray-archives.py [--days N] [--daily FOLDER] [--random N]

FOLDER holds daily files to be used instead of small ones that are made here. N random archives (of random lengths, chunks,
filters and dimensions, joined along one or two of them) must hold what NumPy's array holds.
"""

import argparse, glob, os, subprocess, sys, tempfile, warnings

import h5py, icechunk, netCDF4, numpy as np, xarray as xr, zarr
from official_client import open_repository

warnings.simplefilter("ignore")
icechunk.set_logs_filter("error")
# Archives with leap years have chunks of different lengths.
zarr.config.set({"array.rectilinear_chunks": True})
HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = ["node", os.path.join(HERE, "..", "..", "bin", "moraine.js")]
TARGETS = ("icechunk", "json", "parquet")
passed = failed = 0


def moraine(*words):
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"moraine {words[0]}: {done.stderr.strip()[-500:]}")


def opened(target, group, **how):
    """The dataset at a target as xarray opens it."""
    if target.endswith(".icechunk"):
        store = open_repository(target).readonly_session("main").store
        return xr.open_zarr(store, consolidated=False, group=group, **how)
    options = {"fo": target, "remote_protocol": "file"}
    return xr.open_zarr("reference://", storage_options=options, consolidated=False, group=group, **how)


def compare(what, target, expected, group=None):
    global passed, failed
    try:
        found = opened(target, group).load()
        expected = expected.load()
        # A repository and references keep no order of variables.
        assert set(found.variables) == set(expected.variables), f"{sorted(found.variables)} for {sorted(expected.variables)}"
        xr.testing.assert_identical(found[sorted(found.data_vars)], expected[sorted(expected.data_vars)])
        for name in expected.variables:
            assert found[name].dtype == expected[name].dtype, f"{name}: {found[name].dtype} for {expected[name].dtype}"
        passed += 1
    except Exception as error:
        failed += 1
        print(f"{what}: {os.path.basename(target)}{' ' + group if group else ''}: {str(error)[:1500]}")


def archive(what, folder, files, words, datasets):
    """Indexes files into each kind of target and compares each of its groups."""
    global failed
    for ending in TARGETS:
        target = os.path.join(folder, f"{what.replace(' ', '-')}.{ending}")
        try:
            moraine("index", *files, *words, "--to", target)
        except RuntimeError as error:
            failed += 1
            print(f"{what}: {ending}: {error}")
            continue
        for group, expected in datasets.items():
            compare(what, target, expected, group)


def appended(what, folder, first, then, drift, datasets):
    """Appends files, one after the other, to a repository of others."""
    global failed
    target = os.path.join(folder, f"{what.replace(' ', '-')}.icechunk")
    try:
        moraine("index", *first, "--concat", "time", "--to", target)
        for file in then:
            moraine("index", file, "--append", "time", "--drift", drift, "--to", target)
    except RuntimeError as error:
        failed += 1
        print(f"{what}: {error}")
        return
    for group, expected in datasets.items():
        compare(what, target, expected, group)


def updated(what, folder, files, chunks, options):
    """Changes files of a repository, or takes them away, and updates it, again and again."""
    global failed
    target = os.path.join(folder, f"{what.replace(' ', '-')}.icechunk")

    def again(number, time, seed):
        os.remove(files[number])
        write(files[number], time, chunks=chunks, seed=seed, **options)

    def gone(number):
        os.remove(files.pop(number))

    try:
        moraine("index", *files, "--concat", "time", "--to", target)
        for step, change in {
            "one in the middle": lambda: again(2, 8 + np.arange(4), 100),
            "the first and the last": lambda: (again(0, np.arange(4), 102), again(-1, 20 + np.arange(4), 104)),
            "other times": lambda: again(1, 6 * np.arange(4), 106),
            "another length": lambda: again(3, 12 + np.arange(3), 108),
            "gone": lambda: gone(1),
            "the first gone and one changed": lambda: (gone(0), again(1, 12 + np.arange(4), 110)),
        }.items():
            change()
            moraine("index", "--update", "--to", target)
            compare(f"{what}: {step}", target, mf(files), None)
    except RuntimeError as error:
        failed += 1
        print(f"{what}: {error}")


def write(path, time, units="hours since 2000-01-01", lat=(0, 6), lon=(0, 10), chunks=None, packing=None, group=None,
          calendar="standard", seed=0, **filters):
    with netCDF4.Dataset(path, "a" if os.path.exists(path) else "w") as data:
        node = data.createGroup(group) if group else data
        data.title, node.history = "synthetic", "made for a check"
        for name, size in (("time", None), ("lat", lat[1] - lat[0]), ("lon", lon[1] - lon[0])):
            node.createDimension(name, size)
        t = node.createVariable("time", "f8" if seed % 2 else "i4", ("time",))
        t.units, t.calendar, t.standard_name = units, calendar, "time"
        t[:] = time
        node.createVariable("lat", "f4", ("lat",))[:] = 80 - 10 * np.arange(*lat)
        node.createVariable("lon", "f8", ("lon",))[:] = 4.5 * np.arange(*lon)
        node.createVariable("crs", "i4")[...] = 4326
        node["crs"].grid_mapping_name = "latitude_longitude"
        shape = (len(time), lat[1] - lat[0], lon[1] - lon[0])
        rng = np.random.default_rng(seed)
        for name in ("t2m", "u10"):
            kind, fill = ("i2", np.int16(-32767)) if packing else ("f4", np.float32(-9999))
            options = filters or {"zlib": True, "shuffle": True, "complevel": 1}
            v = node.createVariable(name, kind, ("time", "lat", "lon"), fill_value=fill, chunksizes=chunks, **options)
            v.set_auto_maskandscale(False)
            v.units, v.grid_mapping = "K", "crs"
            if packing:
                v.scale_factor, v.add_offset = packing
            values = rng.integers(-3000, 3000, shape).astype(kind) if packing else rng.normal(280, 9, shape).astype(kind)
            values[rng.random(shape) < 0.05] = fill
            v[:] = values
    return path


def mf(files, **how):
    nested = {"combine": "nested", "concat_dim": "time"}
    minimal = {"data_vars": "minimal", "coords": "minimal", "compat": "override"}
    return xr.open_mfdataset(files, chunks={}, **minimal, **({} if "combine" in how else nested), **how)


def random_archive(folder, seed):
    """Parts of one array in files of random lengths, chunks and filters, joined along one or two axes: NumPy's array."""
    global passed, failed
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(1, 4))
    axes = sorted(rng.choice(rank, size=min(rank, int(rng.integers(1, 3))), replace=False).tolist())
    shape = rng.integers(1, 14, rank)
    whole = shape.copy()
    cuts = {axis: [0] for axis in axes}
    for axis in axes:
        for _ in range(int(rng.integers(1, 4))):
            cuts[axis].append(cuts[axis][-1] + int(rng.integers(1, 9)))
        whole[axis] = cuts[axis][-1]
    kind = str(rng.choice(["i2", ">f4", "f8", "u1", "i8"]))
    model = rng.integers(0, 100, whole).astype(kind)
    same = rng.random() < 0.5
    chunks = [int(rng.integers(1, length + 3)) for length in whole]
    filters = {"compression": "gzip", "shuffle": bool(rng.integers(2))} if rng.random() < 0.5 else {}
    fletcher = bool(rng.random() < 0.3)
    contiguous = not filters and rng.random() < 0.4
    files = []
    for number, place in enumerate(np.ndindex(*[len(cuts[axis]) - 1 for axis in axes])):
        box = [slice(0, length) for length in whole]
        for axis, at in zip(axes, place):
            box[axis] = slice(cuts[axis][at], cuts[axis][at + 1])
        part = model[tuple(box)]
        own = chunks if same or rng.random() < 0.7 else [int(rng.integers(1, length + 3)) for length in part.shape]
        path = os.path.join(folder, f"random{seed}-{number}.h5")
        with h5py.File(path, "w", libver=str(rng.choice(["earliest", "latest"]))) as file:
            how = {} if contiguous else {"chunks": tuple(own), "maxshape": (None,) * rank, "fletcher32": fletcher, **filters}
            v = file.create_dataset("v", data=part, **how)
            for axis in range(rank):
                scale = file.create_dataset(f"d{axis}", data=np.arange(box[axis].start, box[axis].stop, dtype="f8") * -2.5)
                scale.make_scale()
                v.dims[axis].attach_scale(scale)
        files.append(path)
    words = ["--by-coords"] if len(files) > 1 and (len(axes) > 1 or rng.random() < 0.5) else ["--concat", f"d{axes[0]}"]
    words += ["--grid", "regular"] if rng.random() < 0.3 else []
    if len(axes) > 1 and len(files) < 2:
        return
    if words[0] == "--by-coords":
        files = [files[at] for at in rng.permutation(len(files))]
    target = os.path.join(folder, f"random{seed}.icechunk")
    try:
        moraine("index", *files, *words, "--drift", "decode", "--to", target)
        found = opened(target, None)["v"].values
        assert np.array_equal(found, model), f"other values of shape {found.shape} for {model.shape}"
        passed += 1
    except Exception as error:
        failed += 1
        print(f"random archive {seed}: {' '.join(words)}: {str(error)[:500]}")


parser = argparse.ArgumentParser()
parser.add_argument("--days", type=int, default=365)
parser.add_argument("--daily")
parser.add_argument("--random", type=int, default=40)
arguments = parser.parse_args()
with tempfile.TemporaryDirectory() as folder:
    at = lambda name: os.path.join(folder, name)
    daily = sorted(glob.glob(os.path.join(arguments.daily, "*.nc"))) if arguments.daily else [
        write(at(f"day{day:03}.nc"), 24 * day + 6 * np.arange(4), chunks=(1, 6, 10), seed=2 * day) for day in range(arguments.days)
    ]
    archive("daily files", folder, daily, ["--concat", "time"], {None: mf(daily)})
    archive("daily files by coordinates", folder, daily[::-1], ["--by-coords"], {None: mf(daily)})

    lengths = {1999: 365, 2000: 366, 2001: 365, 2002: 365, 2003: 365, 2004: 366}
    years = [write(at(f"year{year}.nc"), np.arange(days), f"days since {year}-01-01", chunks=(days, 3, 5), seed=2 * year)
             for year, days in lengths.items()]
    archive("leap years", folder, years, ["--concat", "time"], {None: mf(years)})
    archive("leap years in a regular grid", folder, years, ["--concat", "time", "--grid", "regular"], {None: mf(years)})
    plain = [write(at(f"plain{year}.nc"), np.arange(days), f"days since {year}-01-01", chunks=(days, 6, 10), seed=2 * year, zlib=False)
             for year, days in lengths.items()]
    archive("uncompressed leap years", folder, plain, ["--concat", "time"], {None: mf(plain)})
    no_leap = [write(at(f"noleap{year}.nc"), np.arange(365), f"days since {year}-01-01 12:00", chunks=(100, 6, 10), seed=2 * year,
                     calendar="noleap") for year in (1999, 2000, 2001)]
    archive("years without leap days", folder, no_leap, ["--concat", "time"], {None: mf(no_leap)})

    packings = [(0.25, 280.0)] * 3 + [(0.125, 275.0)] * 2 + [(0.25, 280.0)]
    packed = [write(at(f"packed{i}.nc"), 4 * i + np.arange(4), chunks=(2, 6, 10), packing=p, seed=2 * i)
              for i, p in enumerate(packings)]
    eras = {"era-1": mf(packed[:3] + packed[5:]), "era-2": mf(packed[3:5])}
    archive("packing drift by era", folder, packed, ["--concat", "time", "--drift", "split"], eras)
    archive("packing drift unpacked", folder, packed, ["--concat", "time", "--drift", "decode"], {None: mf(packed)})

    finer, coarser = packed[3:5], packed[:3] + packed[5:]
    appended("packing drift appended", folder, finer, coarser, "decode", {None: mf(finer + coarser)})
    appended("packing drift appended by era", folder, coarser, finer, "split", {None: mf(coarser), "era-2": mf(finer)})
    appended("an encoding that is appended to", folder, years, plain, "decode", {None: mf(years + plain)})

    for what, chunks in (("compressed", (2, 6, 10)), ("uncompressed", (4, 6, 10))):
        options = {} if what == "compressed" else {"zlib": False}
        kept = [write(at(f"{what}{i}.nc"), 4 * i + np.arange(4), chunks=chunks, seed=2 * i, **options) for i in range(6)]
        updated(f"{what} files updated", folder, kept, chunks, options)

    mixed = [write(at(f"mixed{i}.nc"), 3 * i + np.arange(3), chunks=(1, 6, 10), seed=i) for i in range(4)]
    archive("times of two types", folder, mixed, ["--concat", "time", "--drift", "decode"], {None: mf(mixed)})

    grouped = []
    for i in range(4):
        path = write(at(f"groups{i}.nc"), 3 * i + np.arange(3), chunks=(3, 6, 10), group="ocean", seed=2 * i)
        grouped.append(write(path, 3 * i + np.arange(3), chunks=(1, 2, 10), group="land/soil", seed=2 * i + 100))
    groups = {group: mf(grouped, group=group) for group in ("ocean", "land/soil")}
    archive("several groups", folder, grouped, ["--concat", "time"], groups)

    tiles = [write(at(f"tile{i}{j}.nc"), 5 * i + np.arange(5), lon=(4 * j, 4 * j + 4), chunks=(5, 3, 4), seed=10 * i + 2 * j)
             for i in range(3) for j in range(4)]
    archive("tiles of time and longitude", folder, tiles[::-1], ["--by-coords"], {None: mf(tiles, combine="by_coords")})
    falling = [write(at(f"fall{i}{j}.nc"), 7 * i + np.arange(7), lat=(2 * j, 2 * j + 2), chunks=(4, 2, 10), seed=10 * i + 2 * j)
               for i in range(2) for j in range(3)]
    archive("tiles of falling latitude", folder, falling[::-1], ["--by-coords"], {None: mf(falling, combine="by_coords")})
    for seed in range(arguments.random):
        random_archive(folder, seed)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
