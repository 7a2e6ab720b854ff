"""Makes test/data/demo: a NetCDF-4 and a classic NetCDF file, and beside them what netCDF4-python reads from them.

usage: python3 scripts/make-demo-data.py        (needs netCDF4 and numpy; the files are committed)
"""
import hashlib, json, os
import netCDF4, numpy as np

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "data", "demo")
os.makedirs(folder, exist_ok=True)
lat, lon = np.linspace(-47.5, 47.5, 20, dtype="f4"), np.linspace(6, 354, 30, dtype="f4")


def fill(dataset, first_day, days, **options):
    """The same variables in either format; options go to the large one."""
    dataset.createDimension("time", None); dataset.createDimension("lat", lat.size); dataset.createDimension("lon", lon.size)
    dataset.title = "Sea surface temperature, made up"; dataset.institution = "Universität Bern"
    for name, dimensions, values, units in (
        ("time", ("time",), np.arange(first_day, first_day + days, dtype="f8"), "days since 2020-01-01"),
        ("lat", ("lat",), lat, "degrees_north"), ("lon", ("lon",), lon, "degrees_east"),
    ):
        variable = dataset.createVariable(name, values.dtype, dimensions); variable.units = units; variable[:] = values
    dataset["time"].calendar = "standard"
    sst = dataset.createVariable("sst", "i2", ("time", "lat", "lon"), fill_value=-32768, **options)
    sst.scale_factor, sst.add_offset, sst.units, sst.long_name = 0.01, 10.0, "degC", "sea surface temperature"
    sst.set_auto_maskandscale(False)
    day = np.arange(first_day, first_day + days)[:, None, None]
    kelvin = 20 * np.cos(np.radians(lat))[None, :, None] + np.sin(np.radians(lon))[None, None, :] + 0.1 * day
    packed = np.rint((kelvin - 10) / 0.01).astype("i2"); packed[:, 5:8, 10:14] = -32768
    sst[:] = packed


def expected(path):
    """Every variable as netCDF4-python reads it, unmasked and unscaled."""
    out = {}
    with netCDF4.Dataset(path) as dataset:
        dataset.set_auto_maskandscale(False)
        for name, variable in dataset.variables.items():
            values = np.ascontiguousarray(variable[...])
            values = values.astype(values.dtype.newbyteorder("<"))
            out[name] = {"dimensions": list(variable.dimensions), "shape": list(values.shape), "dtype": values.dtype.str,
                         "sha256": hashlib.sha256(values.tobytes()).hexdigest(), "first": values.ravel()[:4].tolist(), "last": values.ravel()[-4:].tolist()}
    return out


files = {}
with netCDF4.Dataset(os.path.join(folder, "sst-2020.nc"), "w", format="NETCDF4") as dataset:
    fill(dataset, 0, 4, zlib=True, complevel=4, shuffle=True, chunksizes=(1, 10, 15))
with netCDF4.Dataset(os.path.join(folder, "sst-classic.nc"), "w", format="NETCDF3_64BIT_OFFSET") as dataset:
    fill(dataset, 4, 3)
for name in ("sst-2020.nc", "sst-classic.nc"): files[name] = expected(os.path.join(folder, name))
with open(os.path.join(folder, "expected.json"), "w") as out: json.dump(files, out, indent=1); out.write("\n")
