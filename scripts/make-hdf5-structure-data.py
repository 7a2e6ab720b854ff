"""Makes test/data/hdf5-structure: small HDF5 files of every structure, and what h5py (the HDF5 library) finds in them.

usage: python3 scripts/make-hdf5-structure-data.py        (needs h5py >= 3.16 and numpy; the files are committed)

Files with many repeats are gzipped. expected.json: for each file the links of each group (name, kind, target), the names of
each object's attributes, and for each chunked dataset the places of its chunks.

Places come from the library's own query where chunks are filtered. Unfiltered chunks hold values that stand nowhere else in
the file: there the place is where these bytes lie. (The library's query is wrong for extensible arrays whose
unlimited dimension is not the first one.)
"""
import ctypes, glob, gzip, json, os, re, zlib
import h5py, numpy as np
from h5py import h5d, h5f, h5p, h5s, h5t

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "data", "hdf5-structure")
os.makedirs(folder, exist_ok=True)
for old in glob.glob(os.path.join(folder, "*")): os.remove(old)
library = ctypes.CDLL(glob.glob(os.path.join(os.path.dirname(os.path.dirname(h5py.__file__)), "h5py.libs", "libhdf5-*.so*"))[0])
i64, unsigned = ctypes.c_int64, ctypes.c_uint
makers = {}
UNLIMITED = h5s.UNLIMITED
# Message types that an index of shared messages is for.
DATASPACE, DATATYPE, FILL_VALUE, PIPELINE, ATTRIBUTE = (1 << kind for kind in (1, 3, 5, 11, 12))


def make(name):
    """Names the file that a function makes."""
    def register(function):
        makers[name] = function
        return function
    return register


def few_entries(fcpl, group, chunk):
    """Half of the entries that nodes of groups and of chunks have room for."""
    assert library.H5Pset_sym_k(i64(fcpl.id), unsigned(group), unsigned(group)) >= 0
    assert library.H5Pset_istore_k(i64(fcpl.id), unsigned(chunk)) >= 0


def low(path, fcpl=None, fapl=None, versions=(h5f.LIBVER_EARLIEST, h5f.LIBVER_LATEST)):
    fcpl = fcpl or h5p.create(h5p.FILE_CREATE)
    fapl = fapl or h5p.create(h5p.FILE_ACCESS)
    fapl.set_libver_bounds(*versions)
    return h5py.File(h5f.create(path.encode(), h5f.ACC_TRUNC, fcpl, fapl))


def distinct(group, name, shape, chunks, maximum=None, dtype="<u8", only=None, **options):
    """A dataset each of whose chunks holds other bytes; `only` picks the chunks that are written."""
    data = group.create_dataset(name, shape, dtype, chunks=chunks, maxshape=maximum, **options)
    grid = [-(-s // c) for s, c in zip(shape, chunks)]
    for position in range(int(np.prod(grid))):
        if only is not None and position not in only: continue
        at = np.unravel_index(position, grid)
        region = tuple(slice(i * c, min(i * c + c, s)) for i, c, s in zip(at, chunks, shape))
        data[region] = block_of(data, position, [r.stop - r.start for r in region])
    return data


def block_of(data, position, shape):
    """Values that no other chunk of the file has."""
    salt = zlib.crc32(data.name.encode()) << 32
    return (salt + position * 1000 + 7 + np.arange(int(np.prod(shape)), dtype="u8")).reshape(shape).astype(data.dtype)


@make("symbol-tables.h5")
def _(path):
    """Superblock 1; nodes of few entries, so that B-trees have levels; soft links in the heap."""
    fcpl = h5p.create(h5p.FILE_CREATE); few_entries(fcpl, 2, 3)
    with low(path, fcpl) as f:
        for i in range(60): f.create_group(f"many/group-{i:03}")
        f["many/group-007"].attrs["place"] = 7
        f["soft"] = h5py.SoftLink("/many/group-001"); f["dangling"] = h5py.SoftLink("no/where")
        f["again"] = f["many"]; f["many/group-000/up"] = f["many"]
        f["many/größe €"] = np.arange(3)
        distinct(f, "chunks", (40, 6), (2, 2)).attrs.update({f"a{i}": i for i in range(12)})
        distinct(f, "sparse", (400,), (2,), (None,), only=range(0, 200, 7))


@make("links.h5")
def _(path):
    """Link messages in headers: every kind of link, with and without creation order; continued headers."""
    with h5py.File(path, "w", libver=("v110", "v114")) as f:
        for name, track in (("ordered", True), ("by-name", False)):
            group = f.create_group(name, track_order=track)
            for member in ("zeta", "alpha", "midst"): group.create_group(member)
            group["soft"] = h5py.SoftLink("/ordered/zeta"); group["hard"] = f["/"]
            group["external"] = h5py.ExternalLink("other file.h5", "/a/b")
        long = f.create_group("long"); long["x" * 300] = h5py.SoftLink("y" * 400)
        f["number"] = 5; f["number"].attrs["note"] = "x" * 500


@make("dense.h5.gz")
def _(path):
    """Groups in fractal heaps with indirect blocks below indirect blocks, and their B-trees of several levels."""
    with h5py.File(path, "w", libver="latest", track_order=True) as f:
        for i in range(2800): f[f"link {i * 79 % 2800:05} " + "n" * 220] = h5py.SoftLink(f"target {i}")
        few = f.create_group("few", track_order=False)
        for i in range(20): few[f"{i * 7 % 20:02}"] = h5py.SoftLink("x" * (i * 40 + 1))


@make("filtered-heap.h5.gz")
def _(path):
    """Groups whose heaps are compressed: direct blocks below the root, a heap of one block, huge objects."""
    with h5py.File(path, "w", libver="latest") as f:
        for name, count in (("large", 400), ("small", 12)):
            creation = h5p.create(h5p.GROUP_CREATE)
            assert library.H5Pset_deflate(i64(creation.id), unsigned(6)) >= 0
            assert library.H5Pset_fletcher32(i64(creation.id)) >= 0
            assert library.H5Pset_link_phase_change(i64(creation.id), unsigned(4), unsigned(2)) >= 0
            group = h5py.Group(h5py.h5g.create(f.id, name.encode(), gcpl=creation))
            for i in range(count): group[f"{name} {i:04}"] = h5py.SoftLink(f"target {i} " + "abc" * 30)
        # Larger than what is kept in the heap's blocks: each by itself, filtered too.
        for i in range(3): group[f"huge {i}"] = h5py.SoftLink("xyz" * (2000 + i))


@make("attributes.h5.gz")
def _(path):
    """Attributes in headers and in heaps, some of them too large for the heaps' blocks; committed types."""
    with h5py.File(path, "w", libver="latest") as f:
        f["type"] = np.dtype("<f4"); f["type"].attrs["of the type"] = 1
        for name, track in (("ordered", True), ("unordered", False)):
            group = f.create_group(name, track_order=track)
            for i in range(40): group.attrs[f"attribute {i * 11 % 40:02}"] = np.arange(i)
            group.attrs["huge"] = np.zeros(9000); group.attrs["also huge"] = np.ones(70000, "u1")
            group.attrs.create("committed", 2.5, dtype=f["type"])
        f.create_dataset("few", data=np.arange(4)); f["few"].attrs["one"] = "text"; f["few"].attrs["two"] = [1, 2]
        f.create_dataset("typed", (3,), dtype=f["type"])


@make("shared.h5")
def _(path):
    """Shared object header messages: a list and a B-tree index; shared attributes in headers and in heaps."""
    fcpl = h5p.create(h5p.FILE_CREATE)
    assert library.H5Pset_shared_mesg_nindexes(i64(fcpl.id), unsigned(2)) >= 0
    assert library.H5Pset_shared_mesg_index(i64(fcpl.id), unsigned(0), unsigned(DATASPACE | DATATYPE | FILL_VALUE | PIPELINE), unsigned(16)) >= 0
    assert library.H5Pset_shared_mesg_index(i64(fcpl.id), unsigned(1), unsigned(ATTRIBUTE), unsigned(16)) >= 0
    assert library.H5Pset_shared_mesg_phase_change(i64(fcpl.id), unsigned(10), unsigned(5)) >= 0
    with low(path, fcpl, versions=(h5f.LIBVER_LATEST, h5f.LIBVER_LATEST)) as f:
        for i in range(5):
            data = f.create_dataset(f"same {i}", (4, 6), ">f8", chunks=(2, 3), fillvalue=1.5, compression="gzip")
            data[...] = i
            for j in range(12 if i == 0 else 2): data.attrs[f"attribute {j}"] = "the same long text of an attribute"


@make("sizes-4.h5")
def _(path): sizes(path, 4, 4, h5f.LIBVER_EARLIEST)


@make("sizes-2-4.h5")
def _(path): sizes(path, 2, 4, h5f.LIBVER_LATEST)


def sizes(path, offsets, lengths, version):
    """Addresses and lengths narrower than 8 bytes."""
    fcpl = h5p.create(h5p.FILE_CREATE); fcpl.set_sizes(offsets, lengths)
    with low(path, fcpl, versions=(version, h5f.LIBVER_LATEST)) as f:
        group = f.create_group("group")
        for i in range(12): group[f"link {i}"] = h5py.SoftLink(f"target {i}")
        group["texts"] = np.array(["one", "two", "three"], object)
        for i in range(10): f.attrs[f"a{i}"] = i
        distinct(f, "chunks", (6, 4), (2, 2)); f.create_dataset("deflated", data=np.arange(24).reshape(6, 4), chunks=(3, 2), compression="gzip")
        if version == h5f.LIBVER_LATEST: distinct(f, "tree", (6, 4), (2, 2), (None, None))


@make("user-block.h5")
def _(path):
    with h5py.File(path, "w", userblock_size=1024, libver="latest") as f: plain(f)
    with open(path, "r+b") as file: file.write(b"a user's own bytes")


@make("moved.h5")
def _(path):
    """A file behind 2048 other bytes, of which its superblock (version 0) knows nothing."""
    with h5py.File(path, "w", libver="earliest") as f: plain(f)
    with open(path, "rb") as file: content = file.read()
    with open(path, "wb") as file: file.write(b"\0" * 2048 + content)


@make("paged.h5")
def _(path):
    with h5py.File(path, "w", libver="latest", fs_strategy="page", fs_page_size=4096) as f: plain(f)


@make("cache-image.h5")
def _(path):
    """Metadata in a cache image, nothing of it in its own place."""
    class Configuration(ctypes.Structure):
        _fields_ = [("version", ctypes.c_int), ("generate", ctypes.c_bool), ("resize", ctypes.c_bool), ("ageout", ctypes.c_int)]
    fapl = h5p.create(h5p.FILE_ACCESS)
    assert library.H5Pset_mdc_image_config(i64(fapl.id), ctypes.byref(Configuration(1, True, False, -1))) >= 0
    with low(path, fapl=fapl, versions=(h5f.LIBVER_LATEST, h5f.LIBVER_LATEST)) as f: plain(f)


def plain(f):
    f.attrs["title"] = "plain"; f["group/numbers"] = np.arange(5); f["group"].attrs["units"] = "m"
    distinct(f, "chunks", (5, 4), (2, 2)); f["link"] = h5py.SoftLink("/group/numbers")
    f["texts"] = np.array(["variable", "length", ""], object)


@make("old-index.h5")
def _(path):
    """Version 1 B-trees over chunks: filters, masks, extents that shrank, more dimensions than one."""
    fcpl = h5p.create(h5p.FILE_CREATE); few_entries(fcpl, 4, 2)
    with low(path, fcpl) as f: indexed(f)


@make("new-index.h5")
def _(path):
    """Every chunk index of the format's newer versions."""
    with h5py.File(path, "w", libver=("v110", "v114")) as f:
        indexed(f)
        distinct(f, "single", (5, 3), (5, 3)); f.create_dataset("single filtered", data=np.arange(15), chunks=(15,), compression="gzip")
        early = h5p.create(h5p.DATASET_CREATE); early.set_chunk((2, 2)); early.set_alloc_time(h5d.ALLOC_TIME_EARLY)
        for name, maximum in (("implicit", (6, 4)), ("implicit larger", (8, 8))):
            h5d.create(f.id, name.encode(), h5t.STD_U64LE, h5s.create_simple((6, 4), maximum), early)
            distinct_fill(f[name])
        distinct(f, "fixed", (6, 4), (2, 2), (10, 14)); distinct(f, "fixed paged", (2600,), (1,), (3000,), only=range(1100, 2600, 90))
        for axis in range(3):
            maximum = [12, 10, 8]; maximum[axis] = None
            distinct(f, f"extensible {axis}", (6, 4, 5), (2, 2, 2), tuple(maximum))
        distinct(f, "extensible many", (700,), (1,), (None,)); distinct(f, "extensible sparse", (2, 200000), (1, 1), (2, None), only=[0, 3, 150, 9000, 60000, 199999, 200000, 330000])
        f.create_dataset("extensible filtered", data=np.arange(60).reshape(4, 15), chunks=(2, 3), maxshape=(None, 15), compression="gzip", fletcher32=True)
        distinct(f, "tree", (30, 20), (1, 2), (None, None)); f.create_dataset("tree filtered", data=np.arange(48).reshape(6, 8), chunks=(2, 3), maxshape=(None, None), compression="gzip")
        for kind, maximum in (("fixed", (5, 7)), ("tree", (None, None)), ("extensible", (None, 7))):
            edges(f, f"edges {kind}", maximum)
        edges(f, "edges single", (6, 8), (6, 8))


def distinct_fill(data):
    grid = [-(-s // c) for s, c in zip(data.shape, data.chunks)]
    for position in range(int(np.prod(grid))):
        at = np.unravel_index(position, grid)
        region = tuple(slice(i * c, min(i * c + c, s)) for i, c, s in zip(at, data.chunks, data.shape))
        data[region] = block_of(data, position, [r.stop - r.start for r in region])


def edges(f, name, maximum, chunk=(2, 3)):
    """Chunks that reach beyond the extent are stored unfiltered."""
    creation = h5p.create(h5p.DATASET_CREATE); creation.set_chunk(chunk); creation.set_deflate(6)
    assert library.H5Pset_chunk_opts(i64(creation.id), unsigned(2)) >= 0
    space = h5s.create_simple((5, 7), tuple(UNLIMITED if m is None else m for m in maximum))
    h5d.create(f.id, name.encode(), h5t.STD_I32LE, space, creation)
    f[name][...] = np.arange(35).reshape(5, 7)


def indexed(f):
    distinct(f, "plain", (9, 7), (2, 2)); distinct(f, "empty", (9, 7), (2, 2), only=[]); distinct(f, "some", (9, 7, 3), (2, 2, 3), only=[1, 5, 11, 19])
    f.create_dataset("deflated", data=np.arange(63).reshape(9, 7), chunks=(2, 3), compression="gzip", shuffle=True)
    shrunk = distinct(f, "shrunk", (40,), (2,), (None,)); shrunk.resize((13,))
    masked = f.create_dataset("masked", (8,), "<i4", chunks=(2,), compression="gzip", shuffle=True, maxshape=(8,))
    masked[...] = np.arange(8)
    masked.id.write_direct_chunk((4,), np.arange(4, 6, dtype="<i4").tobytes(), filter_mask=3)
    masked.id.write_direct_chunk((6,), np.arange(6, 8, dtype="<i4").tobytes(), filter_mask=3)


def links_of(group):
    group = h5py.Group(h5py.h5g.open(group.id, b"."))
    order = group.id.get_create_plist().get_link_creation_order() & h5p.CRT_ORDER_TRACKED
    names = []
    index = h5py.h5.INDEX_CRT_ORDER if order else h5py.h5.INDEX_NAME
    group.id.links.iterate(names.append, idx_type=index)
    found = []
    for name in names:
        kind = group.id.links.get_info(name).type
        text = name.decode()
        if kind == h5py.h5l.TYPE_HARD: found.append([text, "hard"])
        elif kind == h5py.h5l.TYPE_SOFT: found.append([text, "soft", group.id.links.get_val(name).decode()])
        else: found.append([text, "external", *(part.decode() for part in group.id.links.get_val(name))])
    return found


def chunks_of(data, path):
    """Positions in the grid, offsets, lengths, filter masks of the chunks within the extent."""
    grid = [-(-s // c) for s, c in zip(data.shape, data.chunks)]
    kind = data.id.get_create_plist()
    rows = []
    if kind.get_nfilters() == 0 and "implicit" not in data.name or data.name in ("/implicit",):
        with open(path, "rb") as file: content = file.read()
        base = data.file.userblock_size
        stored = data.id.get_num_chunks()
        for position in range(int(np.prod(grid))) if stored else ():
            if np.prod(grid) > 3000 and position % 30 and position not in SPARSE: continue
            at = np.unravel_index(position, grid)
            block = np.zeros(data.chunks, data.dtype)
            region = tuple(slice(i * c, min(i * c + c, s)) for i, c, s in zip(at, data.chunks, data.shape))
            value = data[region]
            if not value.any(): continue
            block[tuple(slice(0, n) for n in value.shape)] = value
            place = find(content, block, value.shape)
            rows.append([position, place, block.nbytes, 0])
    else:
        base = 0
        for i in range(data.id.get_num_chunks()):
            info = data.id.get_chunk_info(i)
            at = [o // c for o, c in zip(info.chunk_offset, data.chunks)]
            if all(a < g for a, g in zip(at, grid)):
                mask = info.filter_mask
                partial = any((a + 1) * c > s for a, c, s in zip(at, data.chunks, data.shape))
                if partial and data.name.startswith("/edges"):
                    # The library says nothing of it: as good as a mask for all filters.
                    assert info.size == data.dtype.itemsize * np.prod(data.chunks)
                    mask = 2 ** kind.get_nfilters() - 1
                rows.append([int(np.ravel_multi_index(at, grid)), info.byte_offset, info.size, mask])
    return {"grid": grid, "rows": sorted(rows)}


SPARSE = [0, 3, 150, 9000, 60000, 199999, 200000, 330000]


def find(content, block, valid):
    """The one place where a chunk's valid elements stand in the right distances."""
    flat = block.reshape(-1)
    keep = np.zeros(block.shape, bool); keep[tuple(slice(0, n) for n in valid)] = True
    size = block.dtype.itemsize
    runs = b"".join(re.escape(flat[i:i + 1].tobytes()) if k else b"." * size for i, k in enumerate(keep.reshape(-1)))
    places = [m.start() for m in re.finditer(b"(?=" + runs + b")", content, re.S)]
    assert len(places) == 1, (places, block)
    return places[0]


def describe(path):
    out = {"links": {}, "attributes": {}, "chunks": {}}
    with h5py.File(path, "r") as f:
        seen = set()
        waiting = [("/", f)]
        while waiting:
            name, node = waiting.pop(0)
            out["attributes"][name] = sorted(node.attrs)
            if isinstance(node, h5py.Dataset) and node.chunks: out["chunks"][name] = chunks_of(node, path)
            if not isinstance(node, h5py.Group) or node.id.__hash__() in seen: continue
            address = h5py.h5o.get_info(node.id).addr
            if address in seen: continue
            seen.add(address)
            out["links"][name] = links_of(node)
            for link in out["links"][name]:
                if link[1] == "hard": waiting.append((("" if name == "/" else name) + "/" + link[0], node[link[0]]))
    return out


expected = {}
for name, maker in makers.items():
    path = os.path.join(folder, name.removesuffix(".gz"))
    maker(path)
    facts = describe(path)
    expected[name] = facts
    if name.endswith(".gz"):
        with open(path, "rb") as file: content = file.read()
        os.remove(path)
        with open(os.path.join(folder, name), "wb") as file: file.write(gzip.compress(content, 9, mtime=0))
        if sum(map(len, facts["links"].values())) > 1000:
            facts["links"] = {group: {"count": len(links), "first": links[:5], "last": links[-5:]} for group, links in facts["links"].items()}
with open(os.path.join(folder, "expected.json"), "w") as file:
    file.write("{\n" + ",\n".join(json.dumps(name) + ": " + json.dumps(facts, ensure_ascii=False) for name, facts in expected.items()) + "\n}\n")
