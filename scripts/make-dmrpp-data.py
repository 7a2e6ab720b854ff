#!/usr/bin/env python3
"""Makes test/data/dmrpp: HDF5 files, and DMR++ sidecars of them as OPeNDAP's build_dmrpp writes them, from what h5py tells
of their chunks. expected.json: the values and attributes that h5py reads.

usage: make-dmrpp-data.py                 (needs h5py, netCDF4 and numpy)
       make-dmrpp-data.py FILE SIDECAR    a sidecar of any HDF5 file
"""
import base64, json, os, sys, zlib
from xml.sax.saxutils import escape, quoteattr

import h5py
import netCDF4
import numpy as np

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "data", "dmrpp")
TYPES = {"i1": "Int8", "u1": "UInt8", "i2": "Int16", "u2": "UInt16", "i4": "Int32", "u4": "UInt32", "i8": "Int64",
         "u8": "UInt64", "f4": "Float32", "f8": "Float64"}
FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32"}
HIDDEN = {"DIMENSION_LIST", "REFERENCE_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_NCProperties", "_nc3_strict"}


def attributes(node, pad):
    lines = []
    for name in node.attrs:
        value = node.attrs[name]
        if name in HIDDEN or isinstance(value, h5py.Empty):
            continue
        if isinstance(value, bytes):
            value = value.decode()
        if isinstance(value, str):
            kind, values = "String", [value]
        else:
            array = np.asarray(value).ravel()
            if array.dtype.kind in "SO":
                kind, values = "String", [v.decode() if isinstance(v, bytes) else v for v in array]
            elif array.dtype.kind in "iuf":
                kind, values = TYPES[array.dtype.str[1:]], [repr(v.item()) for v in array]
            else:
                continue
        lines.append(f'{pad}<Attribute name={quoteattr(name)} type="{kind}">')
        lines += [f"{pad}    <Value>{escape(str(v))}</Value>" for v in values]
        lines.append(f"{pad}</Attribute>")
    return lines


def dimensions(dataset):
    """Names of dimensions, from the scales that are attached; "" for none."""
    if dataset.is_scale and dataset.ndim == 1:
        return [dataset.name]
    return [dataset.dims[axis][0].name if len(dataset.dims[axis]) else "" for axis in range(dataset.ndim)]


def fill(dataset):
    value = dataset.fillvalue
    return "unsupported-string" if dataset.dtype.kind in "SO" else str(value.item() if hasattr(value, "item") else value)


def data(dataset, pad):
    plist, dsid, size = dataset.id.get_create_plist(), dataset.id, dataset.dtype.itemsize
    layout = plist.get_layout()
    if h5py.check_string_dtype(dataset.dtype) and h5py.check_string_dtype(dataset.dtype).length is None:
        texts = [v.decode() if isinstance(v, bytes) else v for v in np.asarray(dataset[...]).ravel()]
        lines, at = [f"{pad}<dmrpp:vlsa>"], 0
        while at < len(texts):
            count = 1
            while at + count < len(texts) and texts[at + count] == texts[at]:
                count += 1
            repeat = f' c="{count}"' if count > 1 else ""
            if len(texts[at]) > 300:
                packed = base64.b64encode(zlib.compress(texts[at].encode())).decode()
                lines.append(f'{pad}    <v{repeat} s="{len(texts[at].encode())}">{packed}</v>')
            else:
                lines.append(f"{pad}    <v{repeat}>{escape(texts[at])}</v>")
            at += count
        return [*lines, f"{pad}</dmrpp:vlsa>"]
    lines = []
    if dataset.dtype.kind == "S":
        lines.append(f'{pad}<dmrpp:FixedLengthStringArray string_length="{size}" pad="null_pad"/>')
    if layout == h5py.h5d.COMPACT:
        values = dataset[...].astype(dataset.dtype.newbyteorder("<"))
        return [*lines, f"{pad}<dmrpp:compact>{base64.b64encode(values.tobytes()).decode()}</dmrpp:compact>"]
    settings = f'fillValue="{fill(dataset)}"'
    if size > 1 and dataset.dtype.kind != "S":
        settings += f' byteOrder="{"BE" if dataset.dtype.str[0] == ">" else "LE"}"'
    if layout == h5py.h5d.CONTIGUOUS:
        offset = dsid.get_offset()
        chunk = [] if offset is None else [f'{pad}    <dmrpp:chunk offset="{offset}" nBytes="{dsid.get_storage_size()}"/>']
        return [*lines, f"{pad}<dmrpp:chunks {settings}>", *chunk, f"{pad}</dmrpp:chunks>"]
    filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
    if filters:
        settings += f' compressionType="{" ".join(FILTERS[f[0]] for f in filters)}"'
        levels = [str(f[2][0]) for f in filters if f[0] == 1]
        if levels:
            settings += f' deflateLevel="{" ".join(levels)}"'
    lines += [f"{pad}<dmrpp:chunks {settings}>",
              f"{pad}    <dmrpp:chunkDimensionSizes>{' '.join(map(str, dataset.chunks))}</dmrpp:chunkDimensionSizes>"]
    for index in range(dsid.get_num_chunks()):
        info = dsid.get_chunk_info(index)
        mask = f' fm="{info.filter_mask}"' if info.filter_mask else ""
        place = ",".join(map(str, info.chunk_offset))
        lines.append(f'{pad}    <dmrpp:chunk offset="{info.byte_offset}" nBytes="{info.size}" '
                     f'chunkPositionInArray="[{place}]"{mask}/>')
    return [*lines, f"{pad}</dmrpp:chunks>"]


def variable(dataset, pad):
    kind = "String" if dataset.dtype.kind in "SO" else TYPES.get(dataset.dtype.str[1:])
    if kind is None:
        return []
    inner = pad + "    "
    lines = [f"{pad}<{kind} name={quoteattr(dataset.name.rsplit('/', 1)[1])}>"]
    for name, size in zip(dimensions(dataset), dataset.shape):
        lines.append(f"{inner}<Dim name={quoteattr(name)}/>" if name else f'{inner}<Dim size="{size}"/>')
    return [*lines, *attributes(dataset, inner), *data(dataset, inner), f"{pad}</{kind}>"]


def group(node, pad):
    lines = []
    scales = [d for d in node.values() if isinstance(d, h5py.Dataset) and d.is_scale]
    for scale in scales:
        lines.append(f'{pad}<Dimension name={quoteattr(scale.name.rsplit("/", 1)[1])} size="{scale.shape[0]}"/>')
    for name, child in node.items():
        if isinstance(child, h5py.Group):
            lines += [f"{pad}<Group name={quoteattr(name)}>", *group(child, pad + "    "), f"{pad}</Group>"]
        elif isinstance(child, h5py.Dataset) and not child.attrs.get("NAME", b"").startswith(b"This is a netCDF dimension but"):
            lines += variable(child, pad)
    return [*lines, *attributes(node, pad)]


def sidecar(path, href="OPeNDAP_DMRpp_DATA_ACCESS_URL", version="3.21.0-46"):
    with h5py.File(path) as file:
        return "\n".join([
            '<?xml version="1.0" encoding="ISO-8859-1"?>',
            '<Dataset xmlns="http://xml.opendap.org/ns/DAP/4.0#" xmlns:dmrpp="http://xml.opendap.org/dap/dmrpp/1.0.0#"'
            f' dapVersion="4.0" dmrVersion="1.0" name="{os.path.basename(path)}" dmrpp:href="{href}" dmrpp:version="{version}">',
            *group(file, "    "),
            "</Dataset>", ""]).encode("iso-8859-1", "xmlcharrefreplace").decode("iso-8859-1")


def main():
    os.makedirs(OUT, exist_ok=True)
    rng = np.random.default_rng(5)
    with netCDF4.Dataset(os.path.join(OUT, "archive.nc"), "w") as data:
        data.title, data.version, data.range = "by hand, with <signs> & “quotes”", np.int16(3), np.array([0.5, np.nan], "f4")
        data.createDimension("time", None)
        data.createDimension("lat", 5)
        data.createDimension("nothing", 2)
        time = data.createVariable("time", "f8", ("time",), chunksizes=(4,))
        time.units, time[:] = "days since 2000-01-01", np.arange(6)
        data.createVariable("lat", "f4", ("lat",))[:] = np.linspace(-2, 2, 5)
        packed = data.createVariable("packed", "i2", ("time", "lat"), zlib=True, shuffle=True, fletcher32=True, complevel=4,
                                     chunksizes=(2, 3), fill_value=-999)
        packed.set_auto_maskandscale(False)
        packed.scale_factor, packed.add_offset = 0.5, 273.15
        packed[:] = rng.integers(-50, 50, (6, 5))
        data.createVariable("big", ">i4", ("lat", "nothing"), endian="big")[:] = np.arange(10).reshape(5, 2) * 100000
        data.createVariable("scalar", "u8")[...] = 2**63 + 5
        sparse = data.createVariable("sparse", "f4", ("time", "lat"), zlib=True, chunksizes=(2, 2), fill_value=np.float32(1e20))
        sparse[2:4, 2:4] = [[1, 2], [3, 4]]
        deep = data.createGroup("model").createGroup("ocean")
        deep.createDimension("depth", 3)
        deep.note = "inside"
        deep.createVariable("depth", "i8", ("depth",))[:] = [0, 10, 2**60]
        deep.createVariable("t", "f8", ("time", "depth"))[:] = rng.random((6, 3))
        names = data.createVariable("names", str, ("lat",))
        names[:] = np.array(["a", "same", "same", "<é>", "long" * 100], dtype=object)
    with h5py.File(os.path.join(OUT, "plain.h5"), "w", libver="latest") as file:
        file["anonymous"] = np.arange(24, dtype="<u2").reshape(4, 6)
        file["square"] = np.arange(16, dtype="i1").reshape(4, 4)
        file["fixed"] = np.array([b"ab", b"cde", b""], "S3")
        create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        create.set_layout(h5py.h5d.COMPACT)
        h5py.h5d.create(file.id, b"compact", h5py.h5t.IEEE_F32BE, h5py.h5s.create_simple((3,)), create).write(
            h5py.h5s.ALL, h5py.h5s.ALL, np.array([1.5, -2, 1e30], "f4"))
        masked = file.create_dataset("masked", (4, 4), "<i4", chunks=(2, 4), shuffle=True, compression=6)
        masked[:] = np.arange(16).reshape(4, 4)
        masked.id.write_direct_chunk((2, 0), np.arange(100, 108, dtype="<i4").tobytes(), filter_mask=3)
        file.create_dataset("empty", (3, 2), "f8", chunks=(2, 2), fillvalue=-1.25)
        file.create_dataset("shuffled", data=np.arange(9, dtype=">u4"), chunks=(4,), shuffle=True)
    expected = {}
    for name in ("archive.nc", "plain.h5"):
        path = os.path.join(OUT, name)
        with open(path + ".dmrpp", "w", encoding="iso-8859-1") as out:
            out.write(sidecar(path))
        arrays = expected[name] = {}
        with netCDF4.Dataset(path) as data:
            data.set_auto_maskandscale(False)
            data.set_auto_chartostring(False)
            groups = [data]
            for node in groups:
                groups += node.groups.values()
                for at, found in node.variables.items():
                    values = np.asarray(found[...]).ravel().tolist()
                    arrays[f"{node.path}/{at}".lstrip("/")] = {
                        "dimensions": list(found.dimensions), "shape": list(found.shape), "type": str(found.dtype),
                        "values": [str(v) if isinstance(v, int) else v.decode("latin1") if isinstance(v, bytes) else v for v in values],
                        "attributes": {k: v.item() if hasattr(v, "item") and v.size == 1 else v.tolist() if hasattr(v, "tolist") else v
                                       for k in found.ncattrs() for v in [found.getncattr(k)]}}
    with open(os.path.join(OUT, "expected.json"), "w") as out:
        json.dump(expected, out, indent=0, sort_keys=True)
    # A single byte that is given in the document, values that are, and a document of an old program.
    missing = base64.b64encode(zlib.compress(np.arange(6, dtype="<f8").tobytes())).decode()
    old = sidecar(os.path.join(OUT, "plain.h5"), version="X").replace(' dmrpp:version="X"', "")
    old = old.replace('compressionType="shuffle deflate"', 'compressionType="deflate shuffle"')
    old = old.replace("</Dataset>", f"""    <Float64 name="given">
        <Dim size="2"/><Dim size="3"/>
        <dmrpp:missingdata>
            {missing[:20]}
            {missing[20:]}
        </dmrpp:missingdata>
    </Float64>
    <Byte name="byte"><dmrpp:missingdata>Kg==</dmrpp:missingdata></Byte>
</Dataset>""")
    with open(os.path.join(OUT, "old.dmrpp"), "w") as out:
        out.write(old.replace("OPeNDAP_DMRpp_DATA_ACCESS_URL", "plain.h5").replace("<dmrpp:chunk ", '<dmrpp:chunk href="plain.h5" '))


if len(sys.argv) == 3:
    with open(sys.argv[2], "w", encoding="iso-8859-1") as out:
        out.write(sidecar(sys.argv[1]))
else:
    main()
