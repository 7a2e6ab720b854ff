"""Makes test/data/hdf5-dataset: small HDF5 and NetCDF-4 files of every kind of dataset, and what h5py and netCDF4 read from them.

usage: python3 scripts/make-hdf5-dataset-data.py     (needs h5py >= 3.16, hdf5plugin, netCDF4, numpy; the files are committed)

expected.json: for each file the arrays by path: shape, and `bytes` (base64 of the little-endian elements in C order, records
packed) or `strings`; for NetCDF-4 files also `dimensions` and `attributes` as netCDF4 gives them.
"""
import base64, glob, json, os, sys
import h5py, hdf5plugin, netCDF4, numpy as np
from h5py import h5d, h5f, h5p, h5s, h5t, h5z

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "data", "hdf5-dataset")
os.makedirs(folder, exist_ok=True)
for old in glob.glob(os.path.join(folder, "*")): os.remove(old)
os.chdir(folder)  # external files and sources are named relative to the files
expected = {}


def little(dtype):
    if dtype.fields:
        return np.dtype({"names": list(dtype.names), "formats": [little(dtype.fields[n][0]) for n in dtype.names]})
    if dtype.subdtype: return np.dtype((little(dtype.subdtype[0]), dtype.subdtype[1]))
    return dtype.newbyteorder("<")


def value_of(data):
    """What h5py reads."""
    value = data[()]
    if h5py.check_string_dtype(data.dtype) and data.dtype.kind == "O":
        if data.shape == (): return {"bytes": base64.b64encode(value).decode()}
        return {"strings": [item.decode("utf-8") for item in value.ravel().tolist()]}
    value = np.asarray(value)
    return {"bytes": base64.b64encode(np.ascontiguousarray(value.astype(little(value.dtype))).tobytes()).decode()}


def describe(name, skip=(), texts={}):
    """Every dataset that hard links lead to; `texts` are values that only text can say."""
    arrays = {}
    with h5py.File(name) as file:
        found = []
        file.visititems(lambda path, item: found.append(path) if isinstance(item, h5py.Dataset) else None)
        for path in found:
            if path in skip: continue
            data = file[path]
            known = {"strings": texts[path]} if path in texts else value_of(data)
            arrays["/" + path] = {"shape": list(data.shape if data.shape is not None else [0]), **known}
    expected[name] = {"arrays": arrays}


def raw(file, name, datatype, values, space=None, creation=None, memory=None):
    """A dataset of a datatype that numpy does not have; `values` are its bytes or a numpy array that is converted."""
    shape = space if space is not None else values.shape
    data = h5d.create(file.id, name if isinstance(name, bytes) else name.encode(), datatype, h5s.create_simple(shape), creation)
    if values is not None: data.write(h5s.ALL, h5s.ALL, values, memory)
    return data


# ---------------------------------------------------------------- datatypes
with h5py.File("numbers.h5", "w") as f:
    for code in ("i1", "u1", "<i2", ">i2", "<u4", ">u4", "<i8", ">i8", ">u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8"):
        f[code.replace("<", "le_").replace(">", "be_")] = (np.arange(6) * 37 % 101).astype(code).reshape(2, 3)
    f["bool"] = np.array([True, False, True])
    f["complex"] = np.array([1 + 2j, -3.5j]).astype("c8")
    f["complex_be"] = np.array([1 + 2j, -3.5j]).astype(">c16")
    f.create_dataset("colours", data=np.array([3, 1, 2], "i2"), dtype=h5py.enum_dtype({"RED": 1, "LIGHT GREEN": 2, "BLUE": 3}, ">i2"))
    f["time"] = np.array(["2020-01-01", "NaT"], "<M8[s]").astype(h5py.opaque_dtype("<M8[s]"))
    f["opaque"] = np.array([b"abc", b"\x00\xff\x01"], "V3")
    values = np.array([-5, 700, -(2 ** 19), 2 ** 19 - 1], "i4")
    narrow = h5t.STD_I32BE.copy(); narrow.set_precision(20); narrow.set_offset(7)
    raw(f, "bits20", narrow, values)
    three = h5t.STD_I32LE.copy(); three.set_size(3)
    raw(f, "bytes3", three, values)
    half = h5t.IEEE_F32LE.copy(); half.set_fields(15, 7, 8, 0, 7); half.set_ebias(127); half.set_precision(16); half.set_size(2)
    raw(f, "bfloat16", half, np.array([1.0, -2.5, 3e38], "f4"))
    f["packed"] = np.array([(1, 2.5, b"ab"), (-3, 1e9, b"xyz")], [("a", "<i2"), ("b", "<f8"), ("c", "S3")])
    f["padded"] = np.array([(1, 2.5), (-3, 1e9)], np.dtype([("a", "<i2"), ("b", "<f8")], align=True))
    f["big"] = np.array([(1, 2.5), (-3, 1e9)], [("a", ">i2"), ("b", ">f8")])
    f["mixed"] = np.array([(1, 2.5), (-3, 1e9)], [("a", "<i2"), ("b", ">f8")])
    inner = np.dtype([("x", ">i4"), ("y", "u1", (2, 2))])
    f["nested"] = np.array([((1, [[1, 2], [3, 4]]), 7), ((2, [[5, 6], [7, 8]]), 8)], [("in", inner), ("n", "<i4")])
    pair = h5t.array_create(h5t.STD_I16BE, (2, 3))
    raw(f, "array", pair, np.arange(12, dtype=">i2").reshape(2, 6), space=(2,), memory=pair)
    f["scalar"] = np.float32(2.5)
    f["none"] = np.zeros((0, 3), "i4")
    f["nothing"] = h5py.Empty("f4")
describe("numbers.h5", skip=("bytes3",), texts={})
with h5py.File("numbers.h5") as f:
    expected["numbers.h5"]["arrays"].pop("/nothing")
    buffer = np.zeros(4, "i4"); h5d.open(f.id, b"bytes3").read(h5s.ALL, h5s.ALL, buffer, h5t.NATIVE_INT32)
    expected["numbers.h5"]["arrays"]["/bytes3"] = {"shape": [4], "bytes": base64.b64encode(buffer.tobytes()).decode()}

with h5py.File("strings.h5", "w", userblock_size=512) as f:
    words = ["", "plain", "Straße", "☃ 𝄞", "a" * 300]
    f.create_dataset("utf8", data=words, dtype=h5py.string_dtype())
    f.create_dataset("ascii", data=["x", "yy"], dtype=h5py.string_dtype("ascii"))
    f.create_dataset("chunked", data=words * 3, dtype=h5py.string_dtype(), chunks=(4,), compression="gzip")
    f.create_dataset("unwritten", (3,), dtype=h5py.string_dtype(), fillvalue="none")
    f.create_dataset("sparse", (7,), dtype=h5py.string_dtype(), chunks=(2,))[3] = "three"
    f.create_dataset("one", data="only one", dtype=h5py.string_dtype())
    for pad, name in ((h5t.STR_NULLTERM, "terminated"), (h5t.STR_NULLPAD, "null_padded"), (h5t.STR_SPACEPAD, "space_padded")):
        fixed = h5t.C_S1.copy(); fixed.set_size(5); fixed.set_strpad(pad)
        raw(f, name, fixed, np.array([b"ab", b"abcde", b""], "S5"))
    table = f.create_dataset("table", (2,), [("id", "<i4"), ("name", h5py.string_dtype()), ("mean", "f8")])
    table[...] = np.array([(1, "eins", 0.5), (2, "zwei", 2.0)], table.dtype)
    ragged = f.create_dataset("ragged", (3,), h5py.vlen_dtype("<i2"))
    ragged[0], ragged[2] = [1, 2, 3], [-4]
    f.create_group("g")["target"] = np.arange(12).reshape(3, 4)
    f.create_dataset("references", data=[f["g/target"].ref, h5py.Reference(), f["g"].ref], dtype=h5py.ref_dtype)
    regions = f.create_dataset("regions", (1,), h5py.regionref_dtype)
    regions[0] = f["g/target"].regionref[1:2, 2:4]
describe("strings.h5", texts={
    "table": ['{"id":1,"name":"eins","mean":0.5}', '{"id":2,"name":"zwei","mean":2}'],
    "ragged": ["[1,2,3]", "[]", "[-4]"],
    "references": ["/g/target", "", "/g"],
    "regions": ["/g/target"],
})

# ---------------------------------------------------------------- filters
smooth = (np.arange(24 * 20) // 3 % 97).reshape(24, 20)
with h5py.File("filters.h5", "w", libver=("earliest", "v114")) as f:
    def filtered(name, dtype, *filters, chunks=(9, 8), **options):
        creation = h5p.create(h5p.DATASET_CREATE); creation.set_chunk(chunks)
        for code, parameters in filters: creation.set_filter(code, 0, parameters)
        raw(f, name, h5t.py_create(np.dtype(dtype)), smooth.astype(dtype), creation=creation)
    for name, pipeline in {
        "deflate": [(1, (6,))], "shuffle": [(2, ())], "fletcher32": [(3, ())],
        "shuffle_deflate": [(2, ()), (1, (4,))], "fletcher32_first": [(3, ()), (2, ()), (1, (4,))],
        "deflate_twice": [(1, (1,)), (1, (9,))], "all_three": [(2, ()), (1, (4,)), (3, ())],
    }.items():
        filtered(name, "<f8", *pipeline)
        filtered(name + "_be", ">i4", *pipeline)
    filtered("nbit", "<i4", (5, ()))
    narrow = h5t.STD_I32BE.copy(); narrow.set_precision(20)
    creation = h5p.create(h5p.DATASET_CREATE); creation.set_chunk((9, 8)); creation.set_filter(5, 0, ()); creation.set_deflate(3)
    raw(f, "nbit20_be", narrow, smooth.astype("i4"), creation=creation)
    f.create_dataset("scale_offset", data=smooth.astype("<i4"), chunks=(9, 8), scaleoffset=0)
    f.create_dataset("scale_offset_be", data=(smooth / 4).astype(">f4"), chunks=(9, 8), scaleoffset=2)
    f.create_dataset("szip", data=smooth.astype("<u2"), chunks=(8, 8), compression="szip", compression_opts=("nn", 8))
    f.create_dataset("lzf", data=smooth.astype(">i4"), chunks=(9, 8), compression="lzf", shuffle=True)
    for name, options in {
        "lz4": hdf5plugin.LZ4(), "lz4_blocks": hdf5plugin.LZ4(nbytes=256), "bitshuffle": hdf5plugin.Bitshuffle(cname="none"),
        "bitshuffle_lz4": hdf5plugin.Bitshuffle(cname="lz4"), "bitshuffle_zstd": hdf5plugin.Bitshuffle(cname="zstd"),
        "zstd": hdf5plugin.Zstd(clevel=3), "bzip2": hdf5plugin.BZip2(), "zfp": hdf5plugin.Zfp(reversible=True),
        "blosc2": hdf5plugin.Blosc2(cname="zstd"),
        **{f"blosc_{c}": hdf5plugin.Blosc(cname=c, shuffle=hdf5plugin.Blosc.SHUFFLE) for c in ("blosclz", "lz4", "lz4hc", "zstd")},
    }.items():
        f.create_dataset(name, data=smooth.astype("<f4"), chunks=(12, 10), **options)
    import zlib
    masked = f.create_dataset("masked", (24, 20), "<i4", chunks=(12, 10), shuffle=True, compression="gzip")
    for i in (0, 12):
        for j in (0, 10):
            block = smooth[i:i + 12, j:j + 10].astype("<i4")
            if (i, j) == (0, 0): masked[i:i + 12, j:j + 10] = block
            elif (i, j) == (0, 10): masked.id.write_direct_chunk((i, j), zlib.compress(block.tobytes()), filter_mask=1)
            elif (i, j) == (12, 0): masked.id.write_direct_chunk((i, j), block.tobytes(), filter_mask=3)
    lzf_masked = f.create_dataset("lzf_masked", (12,), "<i4", chunks=(6,), compression="lzf")
    lzf_masked.id.write_direct_chunk((0,), np.arange(6, dtype="<i4").tobytes(), filter_mask=1)
    lzf_masked[6:] = 7
describe("filters.h5")

# ---------------------------------------------------------------- layouts
with h5py.File("layouts.h5", "w", libver=("earliest", "v110")) as f:
    compact = h5p.create(h5p.DATASET_CREATE); compact.set_layout(h5d.COMPACT)
    h5d.create(f.id, b"compact", h5t.STD_I16BE, h5s.create_simple((10,)), compact).write(h5s.ALL, h5s.ALL, np.arange(10, dtype="i2"))
    h5d.create(f.id, b"compact_words", h5t.py_create(h5py.string_dtype(), logical=True), h5s.create_simple((2,)), compact)
    f["compact_words"][...] = ["in", "line"]
    f.create_dataset("unallocated", (4, 3), "<i4", fillvalue=-9)
    f.create_dataset("unallocated_chunks", (9, 7), ">f8", chunks=(4, 4), fillvalue=2.5)
    f.create_dataset("partly", (9, 7), "<i2", chunks=(4, 4), fillvalue=3)[5:, 2:5] = 1
    f.create_dataset("large_chunk", data=np.arange(5, dtype="u1"), chunks=(8,), maxshape=(None,))
    f.create_dataset("outside", data=np.arange(60, dtype="<i4").reshape(6, 10), external=[("layouts.a.bin", 16, 120), ("layouts.b.bin", 0, 120)])
    f.create_dataset("outside_rows", data=np.arange(30, dtype=">i2").reshape(3, 10), external=[("layouts.c.bin", 0, 10), ("layouts.c.bin", 100, 50)])
    f.create_dataset("outside_odd", data=np.arange(42, dtype="i1").reshape(14, 3), external=[("layouts.e.bin", 3, 27), ("layouts.f.bin", 0, 15)])
    f.create_dataset("outside_short", (3, 4), "<i4", external=[("layouts.d.bin", 0, h5f.UNLIMITED)])
    open("layouts.d.bin", "wb").write(np.arange(1, 8, dtype="<i4").tobytes())
describe("layouts.h5")

# ---------------------------------------------------------------- plugins that call what h5wasm does not export
with h5py.File("plugins.h5", "w") as f:
    values = np.cumsum(np.random.default_rng(3).normal(size=(12, 10)), axis=1)
    for name, options in {"rate": {"rate": 20}, "precision": {"precision": 30}, "accuracy": {"accuracy": 1e-6}, "reversible": {"reversible": True}}.items():
        f.create_dataset(f"zfp_{name}", data=values, chunks=(12, 10), **hdf5plugin.Zfp(**options))
    f.create_dataset("blosc2_zlib", data=(values * 100).astype("<i4"), chunks=(12, 10), **hdf5plugin.Blosc2("zlib"))
describe("plugins.h5")

# ---------------------------------------------------------------- virtual datasets
def source(name, values, **options):
    with h5py.File(name, "w") as file: file.create_dataset("d", data=values, **options)

for k in range(3): source(f"virtual.{k}.h5", np.arange(24, dtype="<i4").reshape(4, 6) + 100 * k, chunks=(2, 3), compression="gzip", maxshape=(None, 6))
source("virtual.rows.h5", np.arange(50, dtype="<i4") * 3)
with h5py.File("virtual.sparse.h5", "w") as f: f.create_dataset("d", (4, 6), "<i4", chunks=(2, 3), fillvalue=-5)[2:, :3] = 1
with h5py.File("virtual.h5", "w", libver=("earliest", "v110")) as f:
    layout = h5py.VirtualLayout((12, 6), "<i4")
    for k in range(3): layout[4 * k:4 * k + 4] = h5py.VirtualSource(f"virtual.{k}.h5", "d", (4, 6))
    f.create_virtual_dataset("aligned", layout, fillvalue=-7)
    layout = h5py.VirtualLayout((2, 4, 6), "<i4")
    for k in range(2): layout[k] = h5py.VirtualSource(f"virtual.{k}.h5", "d", (4, 6))
    f.create_virtual_dataset("stacked", layout)
    layout = h5py.VirtualLayout((8, 6), "<i4")
    layout[:4] = h5py.VirtualSource("virtual.sparse.h5", "d", (4, 6)); layout[4:] = h5py.VirtualSource("virtual.absent.h5", "d", (4, 6))
    f.create_virtual_dataset("other_fill", layout, fillvalue=-7)
    layout = h5py.VirtualLayout((7, 9), "<i4")
    layout[1:5, 0:9:2] = h5py.VirtualSource("virtual.0.h5", "d", (4, 6))[:, 1:6]
    f.create_virtual_dataset("strided", layout, fillvalue=8)
    layout = h5py.VirtualLayout((5, 10), "<i4")
    layout[:, :] = h5py.VirtualSource("virtual.rows.h5", "d", (50,))[:]
    f.create_virtual_dataset("reshaped", layout)
    f["own"] = np.arange(6, dtype="<i4")
    layout = h5py.VirtualLayout((3, 2), "<i4")
    layout[:, 1] = h5py.VirtualSource(f["own"])[1::2]
    f.create_virtual_dataset("within", layout)
    growing = h5py.VirtualLayout((4, 6), "<i4", maxshape=(None, 6))
    unlimited = h5py.VirtualSource("virtual.1.h5", "d", (4, 6), maxshape=(None, 6))
    growing[0:h5py.h5s.UNLIMITED, :] = unlimited[0:h5py.h5s.UNLIMITED, :]
    f.create_virtual_dataset("growing", growing)
    creation = h5p.create(h5p.DATASET_CREATE)
    virtual = h5s.create_simple((4, 6), (h5s.UNLIMITED, 6)); virtual.select_hyperslab((0, 0), (h5s.UNLIMITED, 1), stride=(5, 1), block=(4, 6))
    creation.set_virtual(virtual, b"virtual.%b.h5", b"d", h5s.create_simple((4, 6)))
    h5d.create(f.id, b"numbered", h5t.STD_I32LE, h5s.create_simple((4, 6), (h5s.UNLIMITED, 6)), creation)
describe("virtual.h5")

# ---------------------------------------------------------------- virtual datasets of other datatypes than their sources
SOURCES = {
    "f8": np.array([-np.inf, -1e300, -2.0**63, -40000.7, -129.7, -1.5, -0.5, 0.5, 127.9, 255.5, 65519, 65520, 2.0**31, 2.0**62, 2.0**65, 1e39, np.inf]),
    "f4": np.array([-1e38, -2.0**31, -1.5, 0.1, 300.5, 2.0**31, 1e38], ">f4"),
    "i8": np.array([-2**63, -2**40 - 1, -40000, -129, -1, 0, 127, 255, 2**24 + 1, 2**53 + 1, 2**63 - 1]),
    "u8": np.array([0, 1, 2**31, 2**32 + 5, 2**63, 2**64 - 1], "u8"),
    "odd": np.array([np.nan, 2.0**63, -1]), "negative": np.array([-1]), "S3": np.array([b"abc", b"", b"d"]),
    "row": np.array([(1, 2.5), (3, 4.5)], [("a", "<i4"), ("b", "<f4")]),
}
with h5py.File("converted.source.h5", "w") as f:
    for name, values in SOURCES.items(): f[name] = values
with h5py.File("converted.h5", "w", libver=("earliest", "v110")) as f:
    def converted(source, dtype):
        layout = h5py.VirtualLayout(SOURCES[source].shape, dtype)
        layout[:] = h5py.VirtualSource("converted.source.h5", source, SOURCES[source].shape)
        name = dtype if isinstance(dtype, str) else "-".join(dict(dtype))
        f.create_virtual_dataset(f"{source}_as_{name.replace('>', 'be_')}", layout)
    for source in ("f8", "f4", "i8", "u8"):
        for dtype in ("i1", "u1", ">i2", "u2", "i4", "u4", "i8", ">u8", "f2", ">f4", "f8"):
            if (source, dtype) != ("i8", ">u8"): converted(source, dtype)
    converted("odd", "i8"); converted("negative", "u8"); converted("S3", "S5"); converted("S3", "S2"); converted("row", [("b", "<f4")]); converted("row", [("b", "<f4"), ("a", "<i4")])
describe("converted.h5", skip=("odd_as_i8", "negative_as_u8", "S3_as_S2", "row_as_b", "row_as_b-a"))

# ---------------------------------------------------------------- links
with h5py.File("links.target.h5", "w") as f:
    f["pad"] = np.zeros(100, "u1")
    f["deep/values"] = np.arange(5, dtype="<i4")
with h5py.File("links.h5", "w") as f:
    f["a/values"] = np.arange(4, dtype="<i4")
    f["hard"] = f["a/values"]
    f["b"] = f["a"]
    f["a/up"] = f["/"]
    f["soft"] = h5py.SoftLink("/a/values")
    f["a/soft"] = h5py.SoftLink("../gone")
    f["outside"] = h5py.ExternalLink("links.target.h5", "/deep")
    f["lost"] = h5py.ExternalLink("links.absent.h5", "/deep")
describe("links.h5")

# ---------------------------------------------------------------- references that a copy leaves without their objects
record = np.dtype([("id", "<i4"), ("region", h5py.regionref_dtype)])
with h5py.File("dangling.source.h5", "w") as f, h5py.File("dangling.h5", "w") as copy:
    f["values"] = np.arange(5)
    table = f.create_dataset("table", (2,), record)
    table[...] = np.array([(1, f["values"].regionref[1:3]), (2, f["values"].regionref[4:])], record)
    f.copy("table", copy); f.copy("values", copy)
os.remove("dangling.source.h5")
describe("dangling.h5", texts={"table": ['{"id":1,"region":""}', '{"id":2,"region":""}']})  # h5py finds no object either

# ---------------------------------------------------------------- sequences within themselves
with h5py.File("endless.h5", "w") as f:
    datatype, memory, values = h5t.STD_I32LE, h5t.NATIVE_INT32, np.array([7, 8], "i4")
    kept = []  # what pointers of the memory point to
    for level in range(40):
        kept.append(values)
        datatype, memory = h5t.vlen_create(datatype), h5t.vlen_create(memory)
        values = np.array([[len(values), values.ctypes.data]], "u8")
    raw(f, "nested", datatype, values.reshape(-1), space=(1,), memory=memory)
    f["plain"] = np.arange(2)
whole = bytearray(open("endless.h5", "rb").read())
heap = whole.index(b"GCOL")
at, places = heap + 16, []
while (index := int.from_bytes(whole[at:at + 2], "little")) != 0:
    size = int.from_bytes(whole[at + 8:at + 16], "little")
    if size == 16: places.append((at + 16, index))
    at += 16 + -(-size // 8) * 8
free, index = int.from_bytes(whole[at + 8:at + 16], "little"), len(places) + 2
pointer = (2).to_bytes(4, "little") + heap.to_bytes(8, "little") + index.to_bytes(4, "little")
# A further object: twice itself. All others lead to it.
whole[at:at + 48] = index.to_bytes(2, "little") + bytes(6) + (32).to_bytes(8, "little") + 2 * pointer
whole[at + 48:at + 64] = bytes(8) + (free - 48).to_bytes(8, "little")
for place, _ in places: whole[place:place + 16] = pointer
open("endless.h5", "wb").write(whole)
describe("endless.h5", skip=("nested",))

# ---------------------------------------------------------------- virtual datasets of virtual datasets
with h5py.File("nested.source.h5", "w", libver="latest") as f: f["values"] = np.arange(10, dtype="<i4")
with h5py.File("nested.h5", "w", libver="latest") as f:
    for level in range(5):
        layout = h5py.VirtualLayout((10,), "<i4")
        layout[:] = h5py.VirtualSource("nested.h5" if level else "nested.source.h5", f"level{level - 1}" if level else "values", (10,))
        f.create_virtual_dataset(f"level{level}", layout, fillvalue=-1)
describe("nested.source.h5")
describe("nested.h5")

# ---------------------------------------------------------------- odd floating-point numbers
with h5py.File("floats.h5", "w") as f:
    loose = h5t.IEEE_F32LE.copy(); loose.set_norm(h5t.NORM_NONE); loose.set_ebias(126)  # the first bit of the mantissa is not implied
    for name, datatype in (("plain", h5t.IEEE_F32LE), ("bfloat16", half), ("loose", loose)):
        raw(f, name, datatype, np.array([np.nan, np.inf, -np.inf, -0.0, 1e-40, 0.1], "f4"))
describe("floats.h5")

# ---------------------------------------------------------------- names
with h5py.File("names.h5", "w") as f:
    # Latin-1 names differ in bytes that are not UTF-8, and a byte order mark is part of a name.
    for value, name in enumerate((b"caf\xe9", b"caf\xe8", b"\x80", b"\x81", "\ufeffmarked".encode(), b"marked", b"__proto__")):
        raw(f, name, h5t.STD_I32LE, np.array([value], "i4"))
    f["marked"].attrs["__proto__"] = "an attribute"
with h5py.File("names.h5") as f:
    expected["names.h5"] = {"arrays": {"/" + text: {"shape": [1], **value_of(f[name])} for text, name in (
        ("café", b"caf\xe9"), ("cafè", b"caf\xe8"), ("\x80", b"\x80"), ("\x81", b"\x81"), ("\ufeffmarked", "\ufeffmarked"), ("marked", "marked"), ("__proto__", "__proto__"))}}

# ---------------------------------------------------------------- attributes
with h5py.File("attributes.h5", "w") as f:
    x = f.create_dataset("x", data=np.arange(3, dtype="f4"))
    x.attrs["number"] = np.int16(-3); x.attrs["list"] = np.array([1, 2, 3], ">u4"); x.attrs["one"] = np.array([5.5])
    x.attrs["huge"] = np.uint64(2 ** 63 + 1); x.attrs["nan"] = np.float32("nan"); x.attrs["infinite"] = np.array([-np.inf, np.inf])
    x.attrs["half"] = np.float16(0.5); x.attrs["flag"] = True; x.attrs["flags"] = np.array([True, False])
    x.attrs["text"] = "Straße"; x.attrs["fixed"] = np.bytes_(b"fixed"); x.attrs["empty"] = ""
    x.attrs["texts"] = np.array(["ein", "zwei"], h5py.string_dtype()); x.attrs["fixed_texts"] = np.array([b"a", b"bcd"], "S3")
    x.attrs["latin1"] = np.bytes_("°C".encode("latin-1")); x.attrs["no_text"] = np.bytes_(b"\x80ab")
    x.attrs["nothing"] = h5py.Empty("f4"); x.attrs["no_word"] = h5py.Empty("S4")
    x.attrs["complex"] = np.complex64(1 - 2j); x.attrs["matrix"] = np.arange(4).reshape(2, 2)
    x.attrs["record"] = np.array((1, 2.5), [("a", "<i4"), ("b", ">f8")])
    x.attrs["ref"] = x.ref; x.attrs["opaque"] = np.void(b"\x01\x02")
    x.attrs.create("colour", np.int8(2), dtype=h5py.enum_dtype({"RED": 1, "BLUE": 2}, "i1"))
    x.attrs["_FillValue"] = np.float32(-999)
    f.attrs["title"] = "attributes of all kinds"
describe("attributes.h5")
expected["attributes.h5"]["attributes"] = {"/x": {
    "number": -3, "list": [1, 2, 3], "one": 5.5, "huge": 9223372036854775809, "nan": "NaN", "infinite": ["-Infinity", "Infinity"],
    "half": 0.5, "flag": True, "flags": [True, False], "text": "Straße", "fixed": "fixed", "empty": "", "texts": ["ein", "zwei"],
    "fixed_texts": ["a", "bcd"], "latin1": "°C", "no_text": "\ufffdab", "nothing": [], "no_word": "", "complex": [1, -2],
    "matrix": [0, 1, 2, 3], "record": {"a": 1, "b": 2.5}, "ref": "/x", "opaque": base64.b64encode(b"\x01\x02").decode(), "colour": 2,
    "_FillValue": base64.b64encode(np.float64(-999).tobytes()).decode(),
}, "/": {"title": "attributes of all kinds"}}


# ---------------------------------------------------------------- NetCDF-4
def plain(value):
    if isinstance(value, np.ndarray): return [plain(item) for item in value.tolist()]
    if isinstance(value, np.generic): return plain(value.item())
    return value


def dataset_view(name):
    """Dimension names and attributes as netCDF-C has them; values as netCDF-C gives them."""
    dimensions, attributes, values = {}, {}, {}
    def walk(group, path):
        attributes[path or "/"] = {key: plain(group.getncattr(key)) for key in group.ncattrs()}
        for key, variable in group.variables.items():
            where = f"{path}/{key}"
            dimensions[where] = list(variable.dimensions)
            attributes[where] = {key: plain(variable.getncattr(key)) for key in variable.ncattrs() if key != "_FillValue"}
            if variable.dtype is not str:
                variable.set_auto_maskandscale(False)
                array = np.asarray(variable[...])
                values[where] = {"shape": list(variable.shape), "bytes": base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()}
        for key, child in group.groups.items(): walk(child, f"{path}/{key}")
    with netCDF4.Dataset(name) as file: walk(file, "")
    expected.setdefault(name, {"arrays": {}}).update(dimensions=dimensions, attributes={**attributes, **expected.get(name, {}).get("attributes", {})}, values=values)


with netCDF4.Dataset("dimensions.nc", "w") as n:
    n.title = "scopes"; n.createDimension("time", None); n.createDimension("y", 3); n.createDimension("x", 4); n.createDimension("bare", 2)
    n.createVariable("zeta", "f4", ("time", "y", "x"), zlib=True, chunksizes=(1, 3, 4))[:2] = np.arange(24).reshape(2, 3, 4)
    n.createVariable("time", "f8", ("time",))[:] = [10.0, 20.0]
    n.createVariable("short", "i4", ("time",), chunksizes=(1,))[:1] = 5
    n.createVariable("shorter", "i4", ("time", "x"), chunksizes=(2, 2))[:1] = 6
    n.createVariable("y", "i2", ("y",))[:] = [1, 2, 3]
    n.createVariable("x", "f4", ("y", "x"))[:] = np.arange(12).reshape(3, 4)      # not a coordinate: two dimensions
    n.createVariable("alpha", "i1", ("bare", "bare"))[:] = 1
    n["zeta"].units = "m"; n["zeta"].valid_range = np.array([0, 100], "f4"); n["zeta"].names = ["a", "b"]
    g = n.createGroup("inner"); g.createDimension("y", 2)
    g.createVariable("shadowed", "i4", ("y", "x"))[:] = 7
    g.createVariable("scalar", "f8", ())[...] = 2.5
    g.createGroup("deep").createVariable("far", "i4", ("time", "y"), fill_value=-1)[:2] = 3
dataset_view("dimensions.nc")

with h5py.File("nearly.h5", "w") as f:  # only with its full stop the name says that there is no variable
    for name, said in (("hidden", "netCDF variable.         3"), ("shown", "netCDF variable         4")):
        f.create_dataset(name, data=np.arange(int(said[-1]), dtype="f4")).make_scale("This is a netCDF dimension but not a " + said)
    x = f.create_dataset("x", data=np.zeros((3, 4), "i2"))
    x.dims[0].attach_scale(f["hidden"]); x.dims[1].attach_scale(f["shown"])
dataset_view("nearly.h5")

with h5py.File("phony.h5", "w") as f:
    f["a"] = np.zeros((3, 4), "i4"); f["b"] = np.zeros((4, 3), "i4"); f["c"] = np.zeros((3, 3), "i4")
    f.create_dataset("d", (3, 4), "i4", chunks=(2, 2), maxshape=(None, 4))
    f["g/a"] = np.zeros((4, 5), "f4"); f["g/b"] = np.zeros((3, 4), "f4")
    f["flags"] = np.zeros(9, bool); f.create_dataset("reference", (8,), h5py.ref_dtype)
    c = h5t.create(h5t.COMPOUND, 8); c.insert(b"r", 0, h5t.STD_REF_OBJ)
    for name, length in (("record1", 11), ("record2", 12)): h5d.create(f.id, name.encode(), c, h5s.create_simple((length,)))
    f["z"] = np.zeros(13, "i4")
dataset_view("phony.h5")
expected["phony.h5"]["values"] = {}

dataset_view("virtual.h5")

with h5py.File("paths.h5", "w") as f:
    f["a/x"] = np.arange(6, dtype="i4").reshape(2, 3); f["a/inner/y"] = np.arange(4, dtype="i4")
    f["b"] = f["a"]; f["inner"] = h5py.SoftLink("/b/inner"); f["outside"] = h5py.ExternalLink("links.target.h5", "/deep")
    f["x"] = h5py.SoftLink("/a/x"); f["z"] = np.arange(2, dtype="i4")
describe("paths.h5")
dataset_view("paths.h5")

with h5py.File("extended.h5", "w") as f:
    f.create_dataset("t", data=np.arange(5.0), maxshape=(None,), chunks=(2,)); f["t"].make_scale("t")
    kinds = {"never_said": "i4", "said": "i4", "row_by_row": ">f4", "empty": "u2", "colours": h5py.enum_dtype({"RED": 1, "BLUE": 2}, "i1"), "letters": "S1", "unsigned": "u8"}
    for name, kind in kinds.items():
        shape = (0 if name == "empty" else 3,)
        x = f.create_dataset(name, shape, kind, maxshape=(None,), chunks=(1 if name == "row_by_row" else 2,), fillvalue=3 if name == "said" else None)
        if name != "empty": x[:2] = [b"a", b"b"] if name == "letters" else [1, 2]
        x.dims[0].attach_scale(f["t"])
dataset_view("extended.h5")
expected["extended.h5"]["attributes"] = {}

with h5py.File("scales.h5", "w", track_order=True) as f:
    for name, length in (("s2", 4), ("s1", 4), ("t", 3)):
        f[name] = np.arange(length, dtype="f8"); f[name].make_scale(name)
    f["x"] = np.zeros((4, 3), "i4"); f["x"].dims[0].attach_scale(f["s1"]); f["x"].dims[0].attach_scale(f["s2"]); f["x"].dims[1].attach_scale(f["t"])
    f["g/y"] = np.zeros((3,), "i4"); f["g/y"].dims[0].attach_scale(f["t"])
dataset_view("scales.h5")

with open("expected.json", "w") as out:
    json.dump(expected, out, ensure_ascii=False, separators=(",", ":"), sort_keys=False)
    out.write("\n")
print({os.path.basename(p): os.path.getsize(p) for p in sorted(glob.glob("*"))})
sys.stdout.flush()
os._exit(0)  # the HDF5 libraries of h5py and netCDF4 do not survive each other's end
