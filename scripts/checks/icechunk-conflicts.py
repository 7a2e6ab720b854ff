"""Two sessions change one repository; the second is rebased by moraine and, in a copy, by the official client. Both must
find the same conflicts, decide the same under every policy, and commit the same.

usage: python scripts/checks/icechunk-conflicts.py [--trials N] [--seed N]
"""

import argparse, base64, os, random, shutil, sys, tempfile

from icechunk_actors import Moraine, Official, array, group

GRID = [3, 3]


def document(path, text):
    return {"kind": "document", "path": path, "document": text}


def chunk(path, coordinates, value):
    return {"kind": "chunk", "path": path, "coordinates": coordinates, "bytes": base64.b64encode(bytes([value] * 16)).decode()}


BASE = [
    document("/", group()), document("/g", group()), document("/g/h", group()), document("/e", group()),
    document("/a", array([12, 12], [4, 4])), document("/g/b", array([12, 12], [4, 4])), document("/g/h/c", array([12, 12], [4, 4])),
    *[chunk(path, [i, j], 1) for path in ("/a", "/g/b", "/g/h/c") for i in range(3) for j in range(3)],
]


def edits(r, side):
    """What one side does; `side` makes values differ."""
    found = []
    for _ in range(r.choice([1, 1, 2, 3])):
        what = r.choice(["chunk", "chunk", "chunk", "delete chunk", "attributes", "resize", "group attributes", "delete array", "delete group", "new group", "new array", "recreate"])
        path = r.choice(["/a", "/g/b", "/g/h/c"])
        coordinates = [r.randrange(3), r.randrange(2)]
        if what == "chunk":
            found.append(chunk(path, coordinates, 10 * side + r.randrange(9)))
        elif what == "delete chunk":
            found.append({"kind": "delete chunk", "path": path, "coordinates": coordinates})
        elif what == "attributes":
            found.append(document(path, array([12, 12], [4, 4], side=side)))
        elif what == "resize":
            found.append(document(path, array([r.choice([8, 16]), 12], [4, 4])))
        elif what == "group attributes":
            found.append(document(r.choice(["/", "/g", "/g/h", "/e"]), group(side=side)))
        elif what == "delete array":
            found.append({"kind": "delete", "path": path})
        elif what == "delete group":
            found.append({"kind": "delete", "path": r.choice(["/e", "/g/h"])})
        elif what == "new group":
            found.append(document(r.choice(["/n", "/e/n", "/g/n"]), group(side=side)))
        elif what == "new array":
            name = r.choice(["/n", "/e/n", "/g/n"])
            found += [document(name, array([12], [4], side=side)), chunk(name, [r.randrange(3)], side)]
        else:
            found += [{"kind": "delete", "path": path}, document(path, array([12, 12], [4, 4], again=side))]
    return found


def impossible(found):
    """Edits below what was deleted before: chance must not do that."""
    deleted = []
    for change in found:
        path = change["path"]
        if change["kind"] == "delete":
            if any(path == d or path.startswith(d + "/") for d in deleted):
                return True
            deleted.append(path)
        elif change["kind"] == "document" and path in deleted:
            deleted.remove(path)
        elif any(path == d or path.startswith(d + "/") for d in deleted):
            return True
    return False


def trial(seed, official, moraine, folder):
    r = random.Random(seed)
    theirs, ours = edits(r, 1), edits(r, 2)
    while impossible(theirs) or impossible(ours):
        theirs, ours = edits(r, 1), edits(r, 2)
    policy = r.choice(["fail", "fail", "ours", "theirs"])
    results = []
    for actor in (moraine, official):
        copy = os.path.join(folder, f"{seed}-{actor.name}")
        shutil.copytree(os.path.join(folder, "base"), copy)
        actor("begin", copy, session="c", branch="main")
        if "error" in actor("edit", copy, session="c", edits=ours):
            # Both refuse what cannot be, such as an array where a group is.
            shutil.rmtree(copy)
            return None
        official("begin", copy, session="p", branch="main")
        answer = official("edit", copy, session="p", edits=theirs)
        if "error" in answer or "error" in official("commit", copy, session="p", message="theirs"):
            shutil.rmtree(copy)
            return None
        answer = actor("rebase", copy, session="c", policy=policy)
        conflicts = sorted((c["kind"], c.get("path") or "", sorted(map(tuple, c.get("chunks") or []))) for c in answer.get("error", {}).get("conflicts") or [])
        committed = actor("commit", copy, session="c", message="ours") if "ok" in answer else None
        state = moraine("state", copy)
        if "error" in state or state["ok"]["wrong"]:
            # Both sides deleted an array and made it again: the official client commits two nodes of one path.
            if actor is official and "error" not in state and not results[0][0]:
                return "spoilt"
            return f"broken after {actor.name}: {state}", theirs, ours, policy
        results.append(("ok" in answer, conflicts, committed and "ok" in committed, state["ok"]["keys"]["main"], answer))
        shutil.rmtree(copy)
    if results[0][:4] != results[1][:4]:
        return results, theirs, ours, policy
    return True


def stricter(results):
    """moraine also refuses to leave nodes without the group that the other side deleted, and to replace a node that the
    other side made in the place of one that both deleted; the official client does both."""
    (done, conflicts, *_), (_, official_conflicts, *_) = results
    more = [c for c in conflicts if c not in official_conflicts]
    return not done and all(c in conflicts for c in official_conflicts) and {kind for kind, *_ in more} <= {"NewNodeInInvalidGroup", "NewNodeConflictsWithExistingNode"}


parser = argparse.ArgumentParser()
parser.add_argument("--trials", type=int, default=150)
parser.add_argument("--seed", type=int, default=1)
arguments = parser.parse_args()
folder = tempfile.mkdtemp(prefix="moraine-conflicts-")
moraine, official = Moraine(), Official()
same = strict = conflicting = failed = skipped = spoilt = 0
try:
    base = os.path.join(folder, "base")
    official("create", base)
    official("begin", base, session="b", branch="main")
    assert "ok" in official("edit", base, session="b", edits=BASE)
    assert "ok" in official("commit", base, session="b", message="base")
    for seed in range(arguments.seed, arguments.seed + arguments.trials):
        outcome = trial(seed, official, moraine, folder)
        if outcome is True:
            same += 1
        elif outcome is None:
            skipped += 1
        elif outcome == "spoilt":
            spoilt += 1
        elif isinstance(outcome[0], list) and stricter(outcome[0]):
            strict += 1
        else:
            failed += 1
            results, theirs, ours, policy = outcome
            print(f"FAILED seed {seed}, policy {policy}\n  theirs {theirs}\n  ours {ours}")
            for result in results if isinstance(results, list) else [results]:
                print("   ", str(result)[:700])
finally:
    moraine.close()
    shutil.rmtree(folder, ignore_errors=True)
print(f"{same} the same, {strict} refused by moraine alone, {spoilt} that the official client spoils, {skipped} skipped")
print(f"{same + strict + spoilt} passed, {failed} failed")
sys.exit(1 if failed or not same else 0)
