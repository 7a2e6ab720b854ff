"""moraine and the official client take turns on one repository, doing what chance says, and after every step both must
tell the same: refs, history, operations, metadata, keys and their bytes, differences.

usage: python scripts/checks/icechunk-turns.py [--steps N] [--seed N]
"""

import argparse, base64, hashlib, os, random, shutil, sys, tempfile

from icechunk_actors import Moraine, Official, array, group

NAMES = ["a", "b", "a-b", "ä", "z"]


class World:
    """The repository, and what chance needs to know of it."""

    def __init__(self, seed, folder):
        self.random = random.Random(seed)
        self.folder = os.path.join(folder, "repository")
        self.source = os.path.join(folder, "source.bin")
        with open(self.source, "wb") as file:
            file.write(bytes(self.random.randrange(256) for _ in range(4096)))
        self.actors = [Moraine(), Official()]
        self.nodes = {}
        self.count = 0
        self.tags = 0
        self.state = None

    def path(self):
        depth = self.random.choice([1, 1, 2, 3])
        return "/" + "/".join(self.random.choice(NAMES) for _ in range(depth))

    def known(self, kind):
        found = sorted(p for p, (k, *_) in self.nodes.items() if k == kind)
        return self.random.choice(found) if found else None

    def learn(self, keys):
        """Nodes of a branch, with the grids of its arrays, from documents that this script wrote itself."""
        self.nodes = {}
        for key in keys:
            if key == "zarr.json" or key.endswith("/zarr.json"):
                path = "/" + key[: -len("zarr.json")].rstrip("/")
                grid = self.grids.get(keys[key])
                self.nodes[path] = ("array", grid) if grid is not None else ("group",)

    grids = {}

    def note(self, document, grid):
        data = document.encode()
        self.grids[f"{len(data)}:{hashlib.sha256(data).hexdigest()[:16]}"] = grid
        return document

    def new_array(self, path):
        rank = self.random.choice([0, 1, 1, 2, 3])
        grid = [self.random.randint(1, 6) for _ in range(rank)]
        return {"kind": "document", "path": path, "document": self.note(array([4 * n for n in grid], [4] * rank, v=self.random.random()), grid)}, grid

    def edit(self):
        r = self.random
        what = r.choice(["group", "array", "array", "attributes", "resize", "chunk", "chunk", "chunk", "chunk", "virtual", "delete chunk", "delete", "shift"])
        if what in ("group", "array"):
            path = self.path()
            parents = ["/" + "/".join(path[1:].split("/")[:i]) for i in range(1, path.count("/"))]
            edits = []
            for parent in ["/", *parents]:
                if self.nodes.get(parent, ("none",))[0] == "array":
                    return []
                if parent not in self.nodes:
                    edits.append({"kind": "document", "path": parent, "document": group()})
                    self.nodes[parent] = ("group",)
            if path in self.nodes:
                return edits
            if what == "group":
                self.nodes[path] = ("group",)
                return [*edits, {"kind": "document", "path": path, "document": group(v=r.random())}]
            change, grid = self.new_array(path)
            self.nodes[path] = ("array", grid)
            return [*edits, change]
        if what == "delete":
            path = self.known(r.choice(["array", "group"]))
            if path in (None, "/"):
                return []
            for other in [p for p in self.nodes if p == path or p.startswith(path + "/")]:
                del self.nodes[other]
            return [{"kind": "delete", "path": path}]
        if what == "attributes" and r.random() < 0.5:
            path = self.known("group")
            return [{"kind": "document", "path": path, "document": group(v=r.random())}] if path else []
        path = self.known("array")
        if path is None:
            return []
        grid = self.nodes[path][1]
        if what in ("attributes", "resize"):
            grid = grid if what == "attributes" else [r.randint(1, 6) for _ in grid]
            self.nodes[path] = ("array", grid)
            return [{"kind": "document", "path": path, "document": self.note(array([4 * n for n in grid], [4] * len(grid), v=r.random()), grid)}]
        if what == "shift":
            return [{"kind": "shift", "path": path, "offset": [r.randint(-2, 2) for _ in grid]}] if grid else []
        coordinates = [r.randrange(n) for n in grid]
        if what == "chunk":
            data = bytes(r.randrange(256) for _ in range(r.choice([1, 12, 13, 40])))
            return [{"kind": "chunk", "path": path, "coordinates": coordinates, "bytes": base64.b64encode(data).decode()}]
        if what == "virtual":
            return [{"kind": "virtual", "path": path, "coordinates": coordinates, "location": "file://" + self.source, "offset": r.randrange(2000), "length": r.randint(1, 2000)}]
        return [{"kind": "delete chunk", "path": path, "coordinates": coordinates}]

    def step(self):
        r = self.random
        actor = r.choice(self.actors)
        branches = self.state["branches"]
        branch = r.choice(sorted(branches))
        ids = sorted({entry[0] for history in self.state["ancestry"].values() for entry in history})
        what = r.choice(["commit"] * 10 + ["amend"] * 2 + ["flush", "race", "race", "move", "move", "branch", "reset", "delete branch", "tag", "delete tag", "metadata", "expire", "collect"])
        call = lambda command, **rest: (actor, command, actor(command, self.folder, **rest))
        self.count += 1
        self.learn(self.state["keys"][branch])
        if what in ("commit", "amend", "flush", "race"):
            actor("begin", self.folder, session="s", branch=branch)
            if what == "race":
                # Somebody else commits between: the session must be rebased.
                other = self.actors[1 - self.actors.index(actor)]
                other("begin", self.folder, session="t", branch=branch)
                other("edit", self.folder, session="t", edits=[{"kind": "document", "path": "/", "document": group(count=self.count)}])
                answer = other("commit", self.folder, session="t", message="between")
                if "error" in answer:
                    return other, "between", answer
                self.nodes.pop("/", None)
                self.nodes["/"] = ("group",)
            edits = [change for _ in range(r.randint(1, 8)) for change in self.edit()]
            edits = [change for change in edits if what != "race" or change["path"] != "/"]
            answer = actor("edit", self.folder, session="s", edits=edits)
            if "error" in answer:
                return actor, f"edit {edits}", answer
            mine = actor("keys", self.folder, session="s")
            policy = {"policy": "fail"} if what == "race" else {}
            result = call("commit", session="s", message=f"{what} {self.count}", method="commit" if what == "race" else what, metadata={"n": self.count, "by": actor.name}, **policy)
            # The official session lists chunks that a resize or a shift in it took away.
            if actor.name == "moraine" and what in ("commit", "amend") and "ok" in result[2]:
                seen = self.actors[0]("state", self.folder)["ok"]["keys"][branch]
                if seen != mine.get("ok"):
                    return actor, f"{what}: the session showed other keys than its commit: {difference(mine.get('ok'), seen)}", {"error": {"code": "Differs", "message": ""}}
            return (actor, f"{what} {edits}", result[2])
        if what == "move":
            source = self.known(r.choice(["array", "group"]))
            if source in (None, "/"):
                return actor, "nothing", {"ok": None}
            actor("begin", self.folder, session="s", branch=branch, rearrange=True)
            answer = actor("edit", self.folder, session="s", edits=[{"kind": "move", "path": source, "to": self.path()}])
            return call("commit", session="s", message=f"move {self.count}", metadata={}) if "ok" in answer else (actor, "move", answer)
        if what == "branch":
            return call("createBranch", name=f"branch-{self.count}", snapshot=r.choice(ids))
        if what == "reset":
            return call("resetBranch", name=branch, snapshot=r.choice(ids))
        if what == "delete branch":
            return call("deleteBranch", name=branch)
        if what == "tag":
            return call("createTag", name=f"tag-{self.count}", snapshot=r.choice(ids))
        if what == "delete tag":
            return call("deleteTag", name=r.choice(sorted(self.state["tags"]) or ["none"]))
        if what == "metadata":
            return call("setMetadata", metadata={"n": self.count, "list": [1, None, 2.5, "ä"], "big": 2**40})
        if what == "expire":
            times = sorted(entry[2] for history in self.state["ancestry"].values() for entry in history)
            return call("expire", time=r.choice(times) + 1, deleteRefs=r.random() < 0.3)
        return call("collect")


def difference(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return {k: difference(a.get(k), b.get(k)) for k in sorted({*a, *b}) if a.get(k) != b.get(k)}
    return [a, b]


#: What either client may refuse because chance asked for it.
REFUSED = {"Conflict", "ConflictError", "NotFound", "AlreadyExists", "InvalidArgument", "ReadOnly", "Refused", "OutOfBounds"}


def run(seed, steps):
    folder = tempfile.mkdtemp(prefix="moraine-turns-")
    world = World(seed, folder)
    done = refused = 0
    try:
        creator = world.random.choice(world.actors)
        creator("create", world.folder, containers=[f"file://{folder}/"], pageSize=world.random.choice([None, 5, 7]))
        for step in range(steps):
            ours = world.actors[0]("state", world.folder)
            theirs = world.actors[1]("state", world.folder)
            problem = None
            if "error" in ours or "error" in theirs:
                problem = [ours.get("error"), theirs.get("error")]
            elif ours["ok"]["wrong"]:
                problem = ours["ok"]["wrong"]
            elif ours["ok"] != theirs["ok"]:
                problem = difference(ours["ok"], theirs["ok"])
            if problem is not None:
                print(f"FAILED seed {seed}, after step {step}: {last if step else 'create'}\n  {str(problem)[:3000]}")
                return False
            world.state = ours["ok"]
            history = world.state["ancestry"]["main"]
            if len(history) > 1:
                pair = sorted(world.random.sample(range(len(history)), 2), reverse=True)
                ids = {"from": history[pair[0]][0], "to": history[pair[1]][0]}
                a, b = (actor("diff", world.folder, **ids) for actor in world.actors)
                # Of two arrays that had one path one after the other, the official client tells the chunks of one.
                chunks = [{(path, *chunk) for path, chunks in side.get("ok", {}).get("updatedChunks", {}).items() for chunk in chunks} for side in (a, b)]
                if told(a) != told(b) or not chunks[1] <= chunks[0]:
                    print(f"FAILED seed {seed}, step {step}: diff {ids}\n  {difference(a, b)}")
                    return False
            actor, what, answer = world.step()
            last = f"{actor.name}: {what} -> {str(answer)[:500]}"
            if VERBOSE:
                print(step, last[:3000])
            if "error" in answer:
                refused += 1
                if answer["error"]["code"] not in REFUSED:
                    print(f"FAILED seed {seed}, step {step}: {last}")
                    return False
            else:
                done += 1
        print(f"seed {seed}: {done} steps done, {refused} refused")
        return True
    finally:
        for actor in world.actors:
            actor.close()
        shutil.rmtree(folder, ignore_errors=True)


def told(diff):
    """A difference as both tell it: the official client may name a node both new and updated, and tells moves of moves
    one by one."""
    if "ok" not in diff:
        return "refused"
    new = {*diff["ok"]["newGroups"], *diff["ok"]["newArrays"]}
    told = {key: [path for path in value if path not in new] if key in ("updatedGroups", "updatedArrays") else value for key, value in diff["ok"].items()}
    steps = [(move["from"], move["to"]) for move in told["moved"]]
    joined = True
    while joined:
        joined = next(((a, b) for a in steps for b in steps if a is not b and a[1] == b[0]), None)
        if joined:
            steps = [step for step in steps if step not in joined] + [(joined[0][0], joined[1][1])]
    told["updatedChunks"] = sorted(told["updatedChunks"])
    return {**told, "moved": sorted(step for step in steps if step[0] != step[1])}


parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=60)
parser.add_argument("--seeds", type=int, default=4)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--verbose", action="store_true")
arguments = parser.parse_args()
VERBOSE = arguments.verbose
results = [run(arguments.seed + i, arguments.steps) for i in range(arguments.seeds)]
print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
sys.exit(0 if all(results) else 1)
