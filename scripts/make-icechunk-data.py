"""Small repositories of both versions of Icechunk's specification, written by the official client, with what it says of
them, for the tests in test/icechunk.

usage: python scripts/make-icechunk-data.py     (icechunk 2.3 and zarr 3)
"""

import hashlib, json, os, shutil
from datetime import datetime, timedelta, timezone

import icechunk
import numpy as np
import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

icechunk.set_logs_filter("error")
HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "test", "data", "icechunk")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def configuration():
    config = icechunk.RepositoryConfig.default()
    config.inline_chunk_threshold_bytes = 12
    config.set_virtual_chunk_container(icechunk.VirtualChunkContainer("s3://archive/", icechunk.s3_store(region="us-east-1")))
    config.manifest = icechunk.ManifestConfig(splitting=icechunk.ManifestSplittingConfig.from_dict({icechunk.ManifestSplitCondition.name_matches("split"): {icechunk.ManifestSplitDimCondition.Axis(0): 2}}))
    return config


def fill(repository):
    session = repository.writable_session("main")
    root = zarr.create_group(session.store, attributes={"title": "für alle", "big": 2**60, "list": [1, None, 2.5]})
    root.create_group("g/h")
    big = root.create_array("g/big", shape=(6, 6), chunks=(3, 3), dtype="f4", dimension_names=["y", "x"])
    big[:] = np.arange(36).reshape(6, 6)
    small = root.create_array("small", shape=(5,), chunks=(1,), dtype="i1", compressors=None)
    small[:4] = [1, 2, 3, 4]
    split = root.create_array("split", shape=(7, 2), chunks=(1, 2), dtype="i2", compressors=None)
    split[:] = np.arange(14).reshape(7, 2)
    root.create_array("scalar", shape=(), dtype="f8", compressors=None)[...] = 42.5
    root.create_array("empty", shape=(0, 3), chunks=(1, 3), dtype="u1")
    session.commit("write data", metadata={"by": "official", "nested": {"list": [1, 2.5, None, True]}})
    session = repository.writable_session("main")
    root = zarr.open_group(session.store)
    # So many references that the official client packs their locations with a dictionary.
    root.create_array("virtual", shape=(1100,), chunks=(1,), dtype="u1", compressors=None)
    for i in range(1100):
        session.store.set_virtual_ref(f"virtual/c/{i}", f"s3://archive/year/{2000 + i // 100}/file-{i:05}.nc", offset=100 * i, length=1, checksum=EPOCH + timedelta(days=20000) if i % 2 else f'"etag-{i}"')
    session.commit("virtual chunks")
    repository.create_tag("v 1", repository.lookup_branch("main"))
    repository.create_branch("other", repository.lookup_branch("main"))
    session = repository.writable_session("other")
    root = zarr.open_group(session.store)
    root["split"][2:4] = -1
    del root["g/h"]
    sync(session.store.delete("small/c/1"))
    root["g"].attrs["changed"] = True
    session.commit("changes")
    repository.create_tag("deleted", repository.lookup_branch("main"))
    repository.delete_tag("deleted")


def expected(repository):
    prototype = default_buffer_prototype()
    result = {"branches": {}, "tags": {name: repository.lookup_tag(name) for name in sorted(repository.list_tags())}}
    for branch in sorted(repository.list_branches()):
        session = repository.readonly_session(branch)

        async def keys():
            found = {}
            async for key in session.store.list():
                if key.startswith("virtual/c/"):
                    continue
                data = (await session.store.get(key, prototype)).to_bytes()
                found[key] = f"{len(data)}:{hashlib.sha256(data).hexdigest()[:16]}"
            return dict(sorted(found.items()))

        history = [[s.id, s.parent_id, (s.written_at - EPOCH) // timedelta(microseconds=1), s.message, s.metadata] for s in repository.ancestry(branch=branch)]
        result["branches"][branch] = {"id": repository.lookup_branch(branch), "history": history, "keys": sync(keys()), "locations": hashlib.sha256("\n".join(sorted(set(session.all_virtual_chunk_locations()))).encode()).hexdigest()}
    d = repository.diff(from_branch="main", to_branch="other")
    result["diff"] = {
        "newGroups": sorted(d.new_groups), "newArrays": sorted(d.new_arrays), "deletedGroups": sorted(d.deleted_groups), "deletedArrays": sorted(d.deleted_arrays),
        "updatedGroups": sorted(d.updated_groups), "updatedArrays": sorted(d.updated_arrays), "updatedChunks": {path: sorted(map(list, chunks)) for path, chunks in sorted(d.updated_chunks.items())},
    }
    return result


shutil.rmtree(DATA, ignore_errors=True)
os.makedirs(DATA)
for version in (1, 2):
    folder = os.path.join(DATA, f"v{version}")
    repository = icechunk.Repository.create(icechunk.local_filesystem_storage(folder), configuration(), spec_version=version)
    repository.save_config()
    fill(repository)
    with open(os.path.join(DATA, f"v{version}.json"), "w") as file:
        json.dump(expected(repository), file, indent=1, ensure_ascii=False)
