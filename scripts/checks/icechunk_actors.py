"""The two who work on one repository: moraine (a child process) and the official client. Both take the same commands."""

import base64, hashlib, json, os, subprocess, sys
from datetime import datetime, timedelta, timezone

import icechunk
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

icechunk.set_logs_filter("error")
HERE = os.path.dirname(os.path.abspath(__file__))
PROTOTYPE = default_buffer_prototype()
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def micros(time):
    return (time - EPOCH) // timedelta(microseconds=1)


class Moraine:
    name = "moraine"

    def __init__(self):
        self.process = subprocess.Popen(["node", os.path.join(HERE, "icechunk-actor.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, command, folder, **rest):
        rest.setdefault("authorize", ["file:///"])
        self.process.stdin.write(json.dumps({"command": command, "address": "file://" + folder, **rest}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("moraine's process is gone")
        answer = json.loads(line)
        if answer.get("error", {}).get("code") == "Crash":
            print(answer["error"]["stack"], file=sys.stderr)
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Official:
    name = "official"

    def __init__(self):
        self.sessions = {}

    def __call__(self, command, folder, **rest):
        try:
            return {"ok": getattr(self, command)(folder, **rest)}
        except icechunk.RebaseFailedError as error:
            return {"error": {"code": "Conflict", "message": str(error), "conflicts": [{"kind": kind_of(c), "path": c.path, "chunks": c.conflicted_chunks} for c in error.conflicts]}}
        except icechunk.IcechunkError as error:
            return {"error": {"code": "Refused", "message": str(error)}}
        except Exception as error:
            return {"error": {"code": type(error).__name__, "message": str(error)}}

    def close(self):
        pass

    def open(self, folder):
        # Containers lie beside the repository.
        prefix = f"file://{os.path.dirname(folder)}/"
        return icechunk.Repository.open(icechunk.local_filesystem_storage(folder), authorize_virtual_chunk_access={prefix: icechunk.credentials.LocalFileSystemAccess})

    def create(self, folder, containers=(), pageSize=None):
        config = icechunk.RepositoryConfig.default()
        config.inline_chunk_threshold_bytes = 12
        if pageSize:
            config.num_updates_per_repo_info_file = pageSize
        for prefix in containers:
            config.set_virtual_chunk_container(icechunk.VirtualChunkContainer(prefix, icechunk.local_filesystem_store(prefix[7:])))
        icechunk.Repository.create(icechunk.local_filesystem_storage(folder), config)

    def state(self, folder):
        repository = self.open(folder)
        branches = {name: repository.lookup_branch(name) for name in sorted(repository.list_branches())}
        tags = {name: repository.lookup_tag(name) for name in sorted(repository.list_tags())}
        ancestry = {name: [[s.id, s.parent_id, micros(s.written_at), s.message, s.metadata] for s in repository.ancestry(branch=name)] for name in branches}
        keys = {name: self.keys_of(repository.readonly_session(name)) for name in branches}
        operations = [[type(u.kind).__name__.removeprefix("UpdateType_"), micros(u.updated_at)] for u in repository.ops_log()]
        return {"branches": branches, "tags": tags, "ancestry": ancestry, "keys": keys, "operations": operations, "metadata": repository.get_metadata(), "wrong": []}

    def keys_of(self, session):
        async def every():
            found = {}
            async for key in session.store.list():
                try:
                    data = (await session.store.get(key, PROTOTYPE)).to_bytes()
                    found[key] = f"{len(data)}:{hashlib.sha256(data).hexdigest()[:16]}"
                except Exception as error:
                    found[key] = "ERR " + str(error)[:200]
            return found

        return sync(every())

    def begin(self, folder, session, branch, rearrange=False):
        repository = self.open(folder)
        self.sessions[session] = repository.rearrange_session(branch) if rearrange else repository.writable_session(branch)

    def edit(self, folder, session, edits):
        for change in edits:
            self.edit_one(self.sessions[session], **change)

    def edit_one(self, session, kind, path, **change):
        store = session.store
        key = path[1:]
        prefix = key + "/" if key else ""
        chunk = lambda: prefix + "/".join(["c", *map(str, change["coordinates"])])
        if kind == "document":
            sync(store.set(prefix + "zarr.json", PROTOTYPE.buffer.from_bytes(change["document"].encode())))
        elif kind == "delete":
            sync(store.delete(prefix + "zarr.json"))
        elif kind == "chunk":
            sync(store.set(chunk(), PROTOTYPE.buffer.from_bytes(base64.b64decode(change["bytes"]))))
        elif kind == "virtual":
            store.set_virtual_ref(chunk(), change["location"], offset=change["offset"], length=change["length"])
        elif kind == "delete chunk":
            sync(store.delete(chunk()))
        elif kind == "shift":
            session.shift_array(path, change["offset"])
        elif kind == "move":
            session.move(path, change["to"])
        else:
            raise ValueError(kind)

    def keys(self, folder, session):
        return self.keys_of(self.sessions[session])

    def commit(self, folder, session, message, method="commit", metadata=None, policy=None):
        live = self.sessions[session]
        if method == "commit":
            result = live.commit(message, metadata=metadata, **({"rebase_with": solver(policy)} if policy else {}))
        else:
            result = getattr(live, method)(message, metadata=metadata)
        del self.sessions[session]
        return result

    def rebase(self, folder, session, policy):
        self.sessions[session].rebase(solver(policy))

    def diff(self, folder, **ids):
        d = self.open(folder).diff(from_snapshot_id=ids["from"], to_snapshot_id=ids["to"])
        return {
            "newGroups": sorted(d.new_groups), "newArrays": sorted(d.new_arrays), "deletedGroups": sorted(d.deleted_groups), "deletedArrays": sorted(d.deleted_arrays),
            "updatedGroups": sorted(d.updated_groups), "updatedArrays": sorted(d.updated_arrays),
            "updatedChunks": {path: sorted(map(list, chunks)) for path, chunks in sorted(d.updated_chunks.items())}, "moved": [{"from": a, "to": b} for a, b in d.moved_nodes],
        }

    def createBranch(self, folder, name, snapshot):
        self.open(folder).create_branch(name, snapshot)

    def deleteBranch(self, folder, name):
        self.open(folder).delete_branch(name)

    def resetBranch(self, folder, name, snapshot):
        self.open(folder).reset_branch(name, snapshot)

    def createTag(self, folder, name, snapshot):
        self.open(folder).create_tag(name, snapshot)

    def deleteTag(self, folder, name):
        self.open(folder).delete_tag(name)

    def setMetadata(self, folder, metadata):
        self.open(folder).set_metadata(metadata)

    def expire(self, folder, time, deleteRefs):
        return len(self.open(folder).expire_snapshots(EPOCH + timedelta(microseconds=time), delete_expired_branches=deleteRefs, delete_expired_tags=deleteRefs))

    def collect(self, folder):
        self.open(folder).garbage_collect(datetime.now(timezone.utc) + timedelta(seconds=1))


def solver(policy):
    if policy == "fail":
        return icechunk.ConflictDetector()
    chosen = icechunk.VersionSelection.UseOurs if policy == "ours" else icechunk.VersionSelection.UseTheirs
    return icechunk.BasicConflictSolver(on_chunk_conflict=chosen)


def kind_of(conflict):
    """The name of a kind of conflict, which prints as a sentence."""
    return next(name for name in dir(icechunk.ConflictType) if getattr(icechunk.ConflictType, name) == conflict.conflict_type)


def group(**attributes):
    return json.dumps({"zarr_format": 3, "node_type": "group", "attributes": attributes})


def array(shape, chunks, **attributes):
    return json.dumps({
        "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": "uint8", "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}}, "fill_value": 0, "codecs": [{"name": "bytes"}], "attributes": attributes,
    })
