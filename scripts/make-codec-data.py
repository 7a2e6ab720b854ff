#!/usr/bin/env python3
"""Makes test/data/codecs: chunks that zarr-python, numcodecs and HDF5 encoded, and what they hold.

chunks.json: for each chunk the codecs as in zarr.json, shape, data_type, the encoded bytes (`chunk`, base64) and the
elements, `values` in base64 (C order, little-endian, packed) or `strings`. `exact`: only these bytes are right, so an
encoder must give them too. `checked`: a checksum covers every byte.
v2.json: `.zarray` documents with a chunk each, in the same form.

usage: make-codec-data.py     (needs zarr 3.4, numcodecs, h5py, numpy, cramjam)
"""
import base64, bz2, gzip, io, json, lzma, os, struct, types, warnings, zlib

import numpy as np

warnings.simplefilter("ignore")
gzip.time = types.SimpleNamespace(time=lambda: 0)      # no clock in the gzip headers

import cramjam, h5py, numcodecs, zarr
import zarr.codecs.numcodecs as nc
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ScaleOffset, ShardingCodec, TransposeCodec, ZstdCodec
from zarr.dtype import VariableLengthBytes

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "data", "codecs")
os.makedirs(OUT, exist_ok=True)
RNG = np.random.default_rng(20261124)
STRING = np.dtypes.StringDType()
LITTLE, BIG = BytesCodec(endian="little"), BytesCodec(endian="big")
chunks, old = [], []


def text(data):
    return base64.b64encode(bytes(data)).decode()


def little(array):
    dtype = array.dtype
    if dtype.names:
        dtype = np.dtype([(name, little_type(dtype.fields[name][0])) for name in dtype.names])
        return array.astype(dtype)
    return array.astype(dtype.newbyteorder("<"))


def little_type(dtype):
    return dtype.newbyteorder("<")


def content(array):
    if array.dtype == STRING:
        return {"strings": array.ravel().tolist()}
    if array.dtype == object:
        return {"bytes": [text(item) for item in array.ravel()]}
    return {"values": text(np.ascontiguousarray(little(array)).tobytes())}


def field(dtype, count):
    """Values that compress."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.repeat(RNG.random(count // 3 + 1) < 0.5, 3)[:count]
    steps = np.cumsum(RNG.integers(-3, 4, count))
    return np.round(steps / 4, 2).astype(dtype) if dtype.kind in "fc" else steps.astype(dtype)


def encode(array, filters=(), serializer="auto", compressors=None, order=None, fmt=3, **more):
    store = zarr.storage.MemoryStore()
    dtype = more.pop("dtype", STRING if array.dtype == STRING else array.dtype)
    if fmt == 3:
        more.update(serializer=serializer)
    else:
        more.update(order=order or "C")
    made = zarr.create_array(store, shape=array.shape, chunks=more.pop("chunks", array.shape), dtype=dtype, filters=list(filters) or (None if fmt == 3 else more.pop("auto_filters", None)),
                             compressors=compressors, zarr_format=fmt, config={"write_empty_chunks": True}, **more)
    made[...] = array
    documents = {key: value.to_bytes() for key, value in store._store_dict.items()}
    body = next(value for key, value in documents.items() if not key.endswith((".json", ".zarray", ".zattrs", ".zgroup")))
    return json.loads(documents["zarr.json" if fmt == 3 else ".zarray"]), body, made[...]


def add(name, array, *, hand=None, exact=False, checked=False, **how):
    document, body, back = encode(array, **how)
    if hand:
        body = hand(body)
    chunks.append({"name": name, "codecs": document["codecs"], "shape": list(array.shape), "data_type": document["data_type"], "fill_value": document["fill_value"], "chunk": text(body),
                   **content(back if array.dtype != STRING else array), **({"exact": True} if exact else {}), **({"checked": True} if checked else {})})


def add_bytes(name, codecs, array, body, **flags):
    chunks.append({"name": name, "codecs": codecs, "shape": list(array.shape), "data_type": array.dtype.name, "fill_value": 0, "chunk": text(body), **content(array), **flags})


# bytes, transpose
for dtype in ["bool", "i1", "u1"]:
    add(f"bytes {dtype}", field(dtype, 9), exact=True)
for dtype in ["i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16", "<U3", "M8[ns]"]:
    values = np.array(["a", "é😀", ""], "<U3") if dtype == "<U3" else np.array([1, -(2**40), -(2**63)], "i8").view("M8[ns]") if dtype == "M8[ns]" else field(dtype, 3)
    add(f"bytes big {dtype}", values, serializer=BIG, exact=True)
    add(f"bytes little {dtype}", values, serializer=LITTLE, exact=True)
record = np.zeros(3, [("x", "f4"), ("n", "i2"), ("s", "S3"), ("u", "<U2"), ("ok", "?"), ("t", "M8[s]"), ("z", "c8")])
record["x"], record["n"], record["s"], record["u"], record["ok"], record["z"] = [1.5, np.nan, -0.0], [-2, 3, 4], [b"a", b"bc", b"def"], ["x", "é", "yz"], [True, False, True], [1 + 2j, -1j, 3]
add("bytes big struct", record, serializer=BIG, exact=True)
for shape, orders in {(2, 3): [(1, 0)], (2, 3, 4): [(0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)], (2, 2, 3, 2): [(3, 1, 0, 2), (0, 2, 1, 3)]}.items():
    for order in orders:
        for dtype in ["u1", "<i2", "<f4", "<i8", "<c16", "S3"]:
            if len(shape) == 3 or dtype in ("u1", "<f4"):
                values = RNG.integers(0, 256, int(np.prod(shape)) * np.dtype(dtype).itemsize, dtype="u1").view(dtype).reshape(shape) if dtype != "S3" else np.array([b"%d" % i for i in range(int(np.prod(shape)))], "S3").reshape(shape)
                values = np.where(values == values, values, 0).astype(dtype) if np.dtype(dtype).kind in "fc" else values
                add(f"transpose {order} {dtype}", values, filters=[TransposeCodec(order=order)], serializer=LITTLE if np.dtype(dtype).kind != "S" and np.dtype(dtype).itemsize > 1 else "auto", exact=True)

# compressors
data = field("<f4", 150)
for level in (0, 1, 9):
    add(f"gzip {level}", data, compressors=[GzipCodec(level=level)], checked=True)
    add(f"zlib {level}", data, compressors=[nc.Zlib(level=level)])
for level, checksum in [(-3, False), (1, True), (19, True)]:
    add(f"zstd {level} {checksum}", data, compressors=[ZstdCodec(level=level, checksum=checksum)])
add("bz2", data, compressors=[nc.BZ2(level=1)])
add("bz2 runs", np.repeat(np.arange(4, dtype="u1"), 1300), compressors=[nc.BZ2(level=9)])
add("bz2 one byte", np.array([7], "u1"), compressors=[nc.BZ2(level=9)])
add("lzma", data, compressors=[nc.LZMA(preset=1)], checked=True)
add("lzma sha256", np.tile(data, 4), compressors=[nc.LZMA(preset=9, check=10)], checked=True)
add("lzma crc32, delta", data, compressors=[nc.LZMA(preset=1)], hand=lambda b: lzma.compress(data.tobytes(), check=lzma.CHECK_CRC32, filters=[{"id": lzma.FILTER_DELTA, "dist": 4}, {"id": lzma.FILTER_LZMA2, "preset": 1}]), checked=True)
add("lzma streams", data, compressors=[nc.LZMA(preset=1)], hand=lambda b: lzma.compress(data.tobytes()[:100]) + bytes(4) + lzma.compress(data.tobytes()[100:], check=lzma.CHECK_NONE))
add("lzma random", RNG.integers(0, 256, 300, dtype="u1"), compressors=[nc.LZMA(preset=0)], checked=True)
add("lzma alone", data, compressors=[nc.LZMA(format=2, preset=1)])
add("lzma bare", data, compressors=[nc.LZMA(format=3, filters=[{"id": 33, "preset": 2, "lc": 2, "lp": 1, "pb": 1}])])
add("lzma of texts", np.array(["one", "two", ""] * 900, dtype=STRING), compressors=[nc.LZMA(preset=1)], checked=True)
add("lz4", data, compressors=[nc.LZ4()])
add("lz4 long", np.repeat(np.arange(5, dtype="i4"), 900), compressors=[nc.LZ4()])
for cname in ("lz4", "lz4hc", "zstd", "zlib", "blosclz"):
    for shuffle in ("noshuffle", "shuffle", "bitshuffle"):
        add(f"blosc {cname} {shuffle}", data, compressors=[BloscCodec(cname=cname, clevel=5, shuffle=shuffle, typesize=4, blocksize=256)])
add("blosc splits", np.tile(field("<i4", 64), 40), compressors=[BloscCodec(cname="lz4", clevel=5, shuffle="shuffle", typesize=4, blocksize=4096)])
add("blosc odd type", field("<i2", 700), compressors=[BloscCodec(cname="blosclz", clevel=9, shuffle="shuffle", typesize=3, blocksize=0)])
add("blosc odd bits", field("<i2", 700), compressors=[BloscCodec(cname="lz4", clevel=9, shuffle="bitshuffle", typesize=12, blocksize=512)])
add("blosc stored", field("<i2", 70), compressors=[BloscCodec(cname="lz4", clevel=0, shuffle="shuffle", typesize=2)])
add("numcodecs.blosc", data, compressors=[nc.Blosc(cname="zstd", clevel=3, shuffle=-1, blocksize=0)])


def snappy_blosc(raw):
    blocks = []
    for at in range(0, len(raw), 256):
        part = raw[at:at + 256]
        part = np.frombuffer(part, "u1")[:len(part) // 4 * 4].reshape(-1, 4).T.tobytes() + part[len(part) // 4 * 4:]
        packed = bytes(cramjam.snappy.compress_raw(part))
        blocks.append(struct.pack("<i", min(len(packed), len(part))) + (packed if len(packed) < len(part) else part))
    at, starts = 16 + 4 * len(blocks), []
    for block in blocks:
        starts.append(at)
        at += len(block)
    return struct.pack("<BBBBIII", 2, 1, 2 << 5 | 0x10 | 1, 4, len(raw), 256, at) + struct.pack(f"<{len(starts)}i", *starts) + b"".join(blocks)


add_bytes("blosc snappy", [LITTLE.to_dict(), {"name": "blosc", "configuration": {"cname": "snappy", "clevel": 5, "shuffle": "shuffle", "typesize": 4, "blocksize": 256}}], data, snappy_blosc(data.tobytes()))
raw = data.tobytes()
add("gzip members", data, compressors=[GzipCodec(level=1)], hand=lambda b: gzip.compress(raw[:100], 9, mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(raw[100:], 1, mtime=0), checked=True)
add("bz2 streams", data, compressors=[nc.BZ2(level=1)], hand=lambda b: bz2.compress(raw[:100], 1) + bz2.compress(raw[100:], 9))
add("zstd frames", data, compressors=[ZstdCodec(level=1)], hand=lambda b: bytes(numcodecs.Zstd(level=1).encode(raw[:64])) + struct.pack("<II", 0x184d2a53, 5) + b"skip!" + bytes(numcodecs.Zstd(level=9, checksum=True).encode(raw[64:])))
add("zstd blocks", data, compressors=[ZstdCodec(level=1)], hand=lambda b: b"\x28\xb5\x2f\xfd\0\x38" + struct.pack("<I", 1 | len(raw) << 3)[:3] + raw)

# shuffle, checksums
for size, dtype in [(2, "<i2"), (4, "<f4"), (8, "<f8"), (16, "<c16"), (3, "<i4"), (12, "<i4")]:
    for count in (12, 16, 35) if size in (2, 4, 8) else (12,):
        add(f"shuffle {size} of {count}", field(dtype, count), compressors=[nc.Shuffle(elementsize=size)], exact=True)
for codec in [Crc32cCodec(), nc.CRC32(), nc.CRC32(location="end"), nc.CRC32C(), nc.CRC32C(location="start"), nc.Adler32(), nc.Adler32(location="end"), nc.Fletcher32(), nc.JenkinsLookup3()]:
    add(f"checksum {codec.to_dict()}", field("<i2", 41), compressors=[codec], exact=True, checked=True)

# numbers
for dtype in ("i1", "u1", "<i2", "<u4", "<i8", "<u8", "<f4", "<f8", "<f2"):
    values = field(dtype, 20)
    if np.dtype(dtype).kind in "iu":
        values[:3] = [np.iinfo(dtype).max, np.iinfo(dtype).min, 0]
    add(f"delta {dtype}", values, filters=[nc.Delta(dtype=dtype)], serializer=LITTLE if np.dtype(dtype).itemsize > 1 else "auto", exact=np.dtype(dtype).kind != "f")
add("delta i4 as i2", field("<i4", 20), filters=[nc.Delta(dtype="<i4", astype="<i2")], exact=True)
add("delta i8 as i1", field("<i8", 20), filters=[nc.Delta(dtype="<i8", astype="i1")], exact=True)
add("delta f8 as i2", field("<i2", 20).astype("f8"), filters=[nc.Delta(dtype="<f8", astype="<i2")], serializer=LITTLE, exact=True)
add("delta f4 as i4", field("<i4", 20).astype("f4") * 1000003, filters=[nc.Delta(dtype="<f4", astype="<i4")], serializer=LITTLE)
for scale, offset, dtype, stored in [(10, 0, "<f4", "<i2"), (100, 273.15, "<f8", "<i4"), (2, -150, "<f4", "u1"), (4, 1, "<f8", "<f4"), (0.1, 3, "<f4", "<f4"), (1000, 0, "<f8", "<i8"), (2, 1.5, "<f2", "<i2"), (3, 7, "<i4", "<i8")]:
    add(f"fixedscaleoffset {scale} {offset} {dtype} {stored}", field(dtype, 20), filters=[nc.FixedScaleOffset(scale=scale, offset=offset, dtype=dtype, astype=stored)])
add("fixedscaleoffset, delta", field("<f4", 20), filters=[nc.FixedScaleOffset(scale=10, offset=5, dtype="<f4", astype="<i2"), nc.Delta(dtype="<i2")])
for dtype, bits in (("<f2", 2), ("<f4", 3), ("<f8", 11)):
    add(f"bitround {dtype}", (RNG.normal(0, 100, 30)).astype(dtype), filters=[nc.BitRound(keepbits=bits)])
add("quantize", RNG.normal(0, 100, 30).astype("<f8"), filters=[nc.Quantize(digits=2, dtype="<f8")])
for count in (8, 13, 1):
    add(f"packbits {count}", field("?", count), filters=[nc.PackBits()], exact=True)
for stored, dtype in [("<i2", "<i4"), ("<f4", "<f8"), ("<u4", "u1"), ("<f8", "<i2"), ("<i8", "<f4")]:
    values = field("u1" if "u" in dtype else "<i2", 20).astype(dtype)
    add(f"astype {dtype} as {stored}", values, filters=[nc.AsType(encode_dtype=stored, decode_dtype=dtype)], serializer=LITTLE, exact=True)
add("scale_offset f4", field("<f4", 20), filters=[ScaleOffset(scale=4, offset=1.5)])
add("scale_offset f8", field("<f8", 20), filters=[ScaleOffset(scale=0.3, offset=-7)])
add("scale_offset i2", field("<i2", 20), filters=[ScaleOffset(scale=-3, offset=100)], exact=True)
add("scale_offset u8", field("u1", 20).astype("u8") + 2**62, filters=[ScaleOffset(scale=3, offset=2**61)], fill_value=2**61, exact=True)

# variable length, shards
words = np.array(["", "a", "é", "温度", "😀", "nul\0inside", "\ufeff"], dtype=STRING)
add("vlen-utf8", words, exact=True)
add("vlen-utf8, transposed, zstd", words[:6].reshape(2, 3), filters=[TransposeCodec(order=(1, 0))], compressors=[ZstdCodec()])
items = np.empty(3, object)
items[:] = [b"", b"\0\xff", b"abc"]
add("vlen-bytes", items, dtype=VariableLengthBytes(), exact=True)


def shard(inner, codecs, where="end", order="lexicographic", index=(LITTLE, Crc32cCodec())):
    return ShardingCodec(chunk_shape=inner, codecs=list(codecs), index_codecs=list(index), index_location=where, subchunk_write_order=order)


square = field("<i4", 24).reshape(4, 6)
square[:2, :2] = 0
for where in ("start", "end"):
    add(f"shard {where}", square, serializer=shard((2, 2), [LITTLE], where))
    add(f"shard {where}, big-endian index", square, serializer=shard((2, 2), [BIG, GzipCodec(level=1)], where, "morton", [BIG]))
    add(f"shard {where}, nested", square, serializer=shard((4, 2), [shard((2, 1), [LITTLE, Crc32cCodec()], where)], "end"))
add("shard, transposed and compressed", square, filters=[TransposeCodec(order=(1, 0))], serializer=shard((2, 2), [LITTLE]), compressors=[ZstdCodec(), Crc32cCodec()], checked=True)
add("shard of strings", words[:6].reshape(2, 3), serializer=shard((1, 1), [{"name": "vlen-utf8", "configuration": {}}]))
add("shard of scalar", np.array(5, "i8"), serializer=shard((), [LITTLE]))

# what HDF5 stores, whose shuffle leaves the bytes after the last element alone
for first in ("fletcher32", "shuffle"):
    for dtype in ("<i2", "<f4", "<f8", "<c16"):
        values = field(dtype, 16)
        with h5py.File(io.BytesIO(), "w") as file:
            creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            creation.set_chunk((16,))
            if first == "fletcher32":
                creation.set_fletcher32()
            creation.set_shuffle()
            creation.set_deflate(4)
            if first != "fletcher32":
                creation.set_fletcher32()
            data_id = h5py.h5d.create(file.id, b"x", h5py.h5t.py_create(np.dtype(dtype)), h5py.h5s.create_simple((16,)), creation)
            data_id.write(h5py.h5s.ALL, h5py.h5s.ALL, values)
            file.flush()
            _, body = data_id.read_direct_chunk((0,))
        sum32, parts = {"name": "numcodecs.fletcher32", "configuration": {}}, [{"name": "numcodecs.shuffle", "configuration": {"elementsize": values.itemsize}}, {"name": "numcodecs.zlib", "configuration": {"level": 4}}]
        add_bytes(f"hdf5 {first} first {dtype}", [LITTLE.to_dict(), *([sum32, *parts] if first == "fletcher32" else [*parts, sum32])], values, body, checked=first != "fletcher32")
        chunks[-1]["fill_value"] = [0, 0] if dtype == "<c16" else 0


# Zarr v2
def add_old(name, array, **how):
    document, body, back = encode(array, fmt=2, **how)
    old.append({"name": name, "document": document, "chunk": text(body), **content(back if array.dtype != STRING else array)})


for dtype in ["|b1", "|i1", "<i2", ">i2", "<f4", ">f8", ">c16", "<U3", ">U3", "|S4", ">M8[D]", "<m8[10us]"]:
    values = np.array([b"a", b"bcd"], "S4") if "S" in dtype else np.array(["é😀", ""], dtype) if "U" in dtype else np.array([5, -6], "i8").astype(dtype) if "8[" in dtype else field(dtype, 6)
    add_old(f"dtype {dtype}", values)
mixed = np.zeros(3, [("x", ">f4"), ("u", ">U2"), ("n", "<i8"), ("p", [("q", ">i2"), ("r", "<f8")])])
mixed["x"], mixed["u"], mixed["n"], mixed["p"]["q"], mixed["p"]["r"] = [1, 2, 3], ["a", "bé", ""], [2**60, -1, 0], [1, -2, 3], [0.5, -0.0, np.inf]
old.append({"name": "record of both orders", "document": {"zarr_format": 2, "shape": [3], "chunks": [3], "dtype": [["x", ">f4"], ["u", ">U2"], ["n", "<i8"], ["p", [["q", ">i2"], ["r", "<f8"]]]], "fill_value": None, "order": "C", "filters": None, "compressor": None},
            "chunk": text(mixed.tobytes()), "values": text(mixed.astype([("x", "<f4"), ("u", "<U2"), ("n", "<i8"), ("p", [("q", "<i2"), ("r", "<f8")])]).tobytes())})
arrays = np.zeros(2, [("x", "<f4"), ("v", ">i2", (2, 3))])
arrays["x"], arrays["v"] = [1.5, -2], np.arange(12).reshape(2, 2, 3) - 5
old.append({"name": "record with arrays", "document": {"zarr_format": 2, "shape": [2], "chunks": [2], "dtype": [["x", "<f4"], ["v", ">i2", [2, 3]]], "fill_value": text(bytes(16)), "order": "C", "filters": None, "compressor": None},
            "chunk": text(arrays.tobytes()), "values": text(arrays.astype([("x", "<f4"), ("v", "<i2", (2, 3))]).tobytes())})
for codec in [numcodecs.Zlib(level=1), numcodecs.GZip(level=1), numcodecs.Zstd(level=1), numcodecs.BZ2(level=1), numcodecs.LZ4(), numcodecs.Blosc(cname="lz4", shuffle=1), numcodecs.Blosc(cname="zstd", shuffle=2), numcodecs.Blosc(cname="blosclz", shuffle=-1), numcodecs.Blosc(cname="zlib", shuffle=0)]:
    add_old(f"compressor {codec.codec_id} {getattr(codec, 'cname', '')}", data, compressors=codec)
for name, array, filters in [("shuffle", field(">f8", 6), [numcodecs.Shuffle(8)]), ("delta", field(">i2", 6), [numcodecs.Delta(">i2")]), ("delta as", field("<i4", 6), [numcodecs.Delta("<i4", "<i2")]), ("delta, shuffle", field("<i4", 6), [numcodecs.Delta("<i4"), numcodecs.Shuffle(4)]),
                             ("fixedscaleoffset, delta", field(">f8", 6), [numcodecs.FixedScaleOffset(1.5, 100, ">f8", ">i4"), numcodecs.Delta(">i4")]), ("packbits", field("?", 13), [numcodecs.PackBits()]), ("crc32", data, [numcodecs.CRC32()]), ("astype", field("<i4", 6), [numcodecs.AsType(">i2", "<i4")]),
                             ("fletcher32", data, [numcodecs.Fletcher32()])]:
    add_old(f"filter {name}", array, filters=filters, compressors=numcodecs.Zlib(level=1))
add_old("order F", field("<i4", 12).reshape(3, 4), order="F")
add_old("order F, delta", field("<i4", 12).reshape(3, 4), order="F", filters=[numcodecs.Delta("<i4")])
add_old("order F of strings", words[:6].reshape(2, 3), order="F", auto_filters="auto")
add_old("strings", words, auto_filters="auto")


def add_objects(name, items, codec, more=()):
    """What zarr-python 2 and Kerchunk wrote."""
    array = np.array(items, object)
    body = codec.encode(array)
    for other in more:
        body = other.encode(body)
    document = {"zarr_format": 2, "shape": list(array.shape), "chunks": list(array.shape), "dtype": "|O", "fill_value": None, "order": "C", "filters": [codec.get_config()] + [c.get_config() for c in more], "compressor": None}
    old.append({"name": name, "document": document, "chunk": text(body if isinstance(body, bytes) else np.asarray(body).tobytes()), "strings": array.ravel().tolist()})


add_objects("objects json2", ["a", "é", "", "\"q\"\n"], numcodecs.JSON())
add_objects("objects json2 in rows, zlib", [["a", "b", "c"], ["d", "", "é"]], numcodecs.JSON(), [numcodecs.Zlib(1)])
add_objects("objects json2 of one", "x", numcodecs.JSON())
add_objects("objects categorize", ["b", "", "a", "b"], numcodecs.Categorize(["a", "b"], dtype=object))
add_objects("objects categorize in 2 bytes, base64", ["b", "é"], numcodecs.Categorize(["é", "b"], dtype=object, astype="<u2"), [numcodecs.Base64()])

for name, rows in (("chunks", chunks), ("v2", old)):
    with open(os.path.join(OUT, f"{name}.json"), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
    print(name, len(rows), os.path.getsize(os.path.join(OUT, f"{name}.json")))
