// Reads parts of arrays of golden Zarr stores, whole records of their groups, and what must not be opened as a group,
// and compares them with what zarr-python gave.
// usage: node scripts/checks/zarr-selections.mjs ../shared/zarr-golden
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isMoraineError, openLocation, readRaw, root, slice, ZarrStore } from "../../dist/node.js";
import { StorageRouter } from "../../dist/storage/router.js";
import { openNode } from "../../dist/zarr/hierarchy.js";

const [folder = "../shared/zarr-golden"] = process.argv.slice(2);
const storage = new StorageRouter();
const stores = new Map();
const lines = (name) =>
  readFileSync(join(folder, name), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
let passed = 0;
let refused = 0;
let failed = 0;

function storeOf(name) {
  let store = stores.get(name);
  if (store === undefined) {
    store = new ZarrStore(storage, `${pathToFileURL(resolve(folder, name)).href}/`);
    stores.set(name, store);
  }
  return store;
}

function fail(what, found, wanted) {
  failed += 1;
  console.log(`FAILED ${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`);
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** A list of texts as Python's json.dumps writes it. */
function pythonList(items) {
  const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `[${items.map((item) => JSON.stringify(item).replace(/[^\x20-\x7e]/g, escaped)).join(", ")}]`;
}

function digestOf(data, kind) {
  if (kind === "bytes") return sha256(data);
  return sha256(
    pythonList(kind === "hex" ? data.map((item) => Buffer.from(item).toString("hex")) : [...data]),
  );
}

/** A part as it is written in the list: integers, [start, stop, step], null for a whole axis, "..." for all others. */
function selectionOf(part, rank) {
  const at = part.indexOf("...");
  const whole = at < 0 ? part : [...part];
  if (at >= 0) whole.splice(at, 1, ...new Array(rank - part.length + 1).fill(null));
  return whole.map((item) => (Array.isArray(item) ? slice(...item) : item));
}

/** Attributes and fill values as they are in the list: what JSON.parse would lose is tagged. */
function tagged(value) {
  if (typeof value === "bigint") return { $int: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { $float: String(value) };
  if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) >= 2 ** 53)
    return { $int: String(BigInt(value)) };
  if (Array.isArray(value)) return value.map(tagged);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tagged(item)]));
}

/** Objects whose keys have an order of their own, as text. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  // A float that is whole is the same number as an integer.
  if (typeof value === "object" && value !== null) {
    const keys = Object.keys(value).sort();
    if (keys.length === 1 && keys[0] === "$int") return BigInt(value.$int).toString();
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join()}}`;
  }
  if (typeof value === "number" && Number.isInteger(value)) return BigInt(value).toString();
  return JSON.stringify(value);
}

const optional = new Set(
  lines("expected.jsonl")
    .filter((row) => row.optional)
    .map(({ store, path }) => `${store} ${path}`),
);
for (const { store, path, sel, shape, value } of lines("selections.jsonl")) {
  const what = `${store} ${path} ${JSON.stringify(sel)}`;
  try {
    const array = await openLocation(root(storeOf(store)).resolve(path), { kind: "array" });
    const result = await readRaw(array, selectionOf(sel, array.shape.length));
    const [kind, wanted] = Object.entries(value)[0];
    const found = { shape: result.shape, value: digestOf(result.data, kind) };
    if (canonical(found) === canonical({ shape, value: wanted })) passed += 1;
    else fail(what, found, { shape, value: wanted });
  } catch (error) {
    if (isMoraineError(error) && optional.has(`${store} ${path}`)) refused += 1;
    else fail(what, isMoraineError(error) ? error.code : String(error), value);
  }
}
for (const { store, path, attrs, members, consolidated } of lines("groups.jsonl")) {
  const group = await openNode(storeOf(store), path);
  const children = group.kind === "group" ? [...(await group.children())] : [];
  const found = {
    attrs: tagged(group.attributes),
    members: Object.fromEntries(children.map(([name, { kind }]) => [name, kind])),
    consolidated: group.isConsolidated,
  };
  if (canonical(found) === canonical({ attrs, members, consolidated })) passed += 1;
  else fail(`group ${store} ${path}`, found, { attrs, members, consolidated });
}
for (const { store, path, reason } of lines("bad.jsonl").filter(
  ({ group, must }) => group && must !== false,
)) {
  try {
    await openLocation(root(storeOf(store)).resolve(path), { kind: "group" });
    fail(`${store}: ${reason}`, "a group", "an error");
  } catch (error) {
    if (isMoraineError(error)) passed += 1;
    else fail(`${store}: ${reason}`, String(error), "an error with a code");
  }
}
console.log(`${passed} passed, ${refused} refused that may be, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
