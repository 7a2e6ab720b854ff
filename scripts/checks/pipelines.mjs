// The part of pipelines.py that writes: indexes files, finds the distinct pipelines of their arrays, and overwrites a part
// of one chunk of one array for each. Prints a line of JSON for each: what must be read now, and from the first snapshot.
// usage: node scripts/checks/pipelines.mjs FOLDER WORK
import { createHash } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { itemSize } from "../../dist/data-types/data-type.js";
import { index, open, Repository, readRaw, slice, writeRaw } from "../../dist/node.js";

const MOST_BYTES = 64 * 1024 * 1024;
const [, , corpus, work] = process.argv;

function* files(folder) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else yield path;
  }
}

/** As `digest` tells values. */
function digestOf(data) {
  if (data instanceof Uint8Array) return { bytes: createHash("sha256").update(data).digest("hex") };
  const escaped = data.map((text) =>
    JSON.stringify(text).replace(
      /[\u007f-\uffff]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
  );
  return {
    strings: createHash("sha256")
      .update(`[${escaped.join(", ")}]`)
      .digest("hex"),
  };
}

/** Changes one element in place to another legal one. */
function change(type, bytes) {
  switch (type.name) {
    case "struct":
      change(type.fields[0].dataType, bytes);
      break;
    case "bool":
      bytes[0] = 1 - bytes[0];
      break;
    case "fixed_length_utf32":
      bytes.set([bytes[0] === 0x7a ? 0x79 : 0x7a, 0, 0, 0]);
      break;
    case "null_terminated_bytes":
      bytes[0] = bytes[0] === 0x7a ? 0x79 : 0x7a;
      break;
    default:
      bytes[0] ^= 1;
  }
}

/** A box inside of the first chunk that leaves some of it as it is; undefined where the chunk has one element. */
function partOf({ shape, chunkGrid }) {
  const first = shape.map((length, axis) => {
    const given = chunkGrid.chunkShape?.[axis] ?? chunkGrid.chunkShapes?.[axis];
    const chunk = typeof given === "number" ? given : (given?.[0]?.[0] ?? length);
    return Math.min(length, chunk);
  });
  const axis = first.findLastIndex((length) => length > 1);
  if (axis < 0) return undefined;
  return first.map((length, at) => (at === axis ? [0, Math.ceil(length / 2)] : [0, length]));
}

function* offsetsIn(box, shape) {
  const cell = box.map(([start]) => start);
  for (;;) {
    yield cell.reduce((sum, at, axis) => sum * shape[axis] + at, 0);
    let axis = cell.length - 1;
    for (; axis >= 0; axis--) {
      cell[axis] += 1;
      if (cell[axis] < box[axis][1]) break;
      cell[axis] = box[axis][0];
    }
    if (axis < 0) return;
  }
}

const key = ({ dataType, codecs }) => JSON.stringify([dataType, codecs]);

const chosen = new Map();
let folders = 0;
for (const path of files(corpus)) {
  const target = join(work, `${++folders}`);
  let isChosen = false;
  try {
    await index([path], target);
    const session = await (await Repository.open(target)).readonlySession();
    for (const node of session.paths()) {
      const array = session.node(node);
      if (array?.kind !== "array") continue;
      const { metadata } = array;
      const bytes = metadata.shape.reduce(
        (product, length) => product * length,
        itemSize(metadata.dataType) ?? 16,
      );
      if (bytes > MOST_BYTES || partOf(metadata) === undefined || (await session.manifest(node)).count === 0)
        continue;
      if (chosen.has(key(metadata))) continue;
      chosen.set(key(metadata), { file: relative(corpus, path), target, path: node, metadata });
      isChosen = true;
    }
  } catch (error) {
    // Files that are refused have no pipelines; corpus.py judges them.
    if (error?.code === undefined) throw error;
  }
  if (!isChosen) rmSync(target, { recursive: true, force: true });
}

for (const { file, target, path, metadata } of chosen.values()) {
  const row = {
    file,
    target,
    path,
    codecs: metadata.codecs.map(({ name }) => name),
    data_type: metadata.dataType.name,
  };
  try {
    const repository = await Repository.open(target);
    const first = await repository.lookupBranch("main");
    const session = await repository.writableSession();
    const array = session.array(path);
    const { data } = await readRaw(array);
    const before = data.slice();
    const model = data.slice();
    const box = partOf(metadata);
    const size = itemSize(metadata.dataType);
    const values = [];
    for (const at of offsetsIn(box, metadata.shape)) {
      if (model instanceof Uint8Array) {
        const element = model.subarray(at * size, (at + 1) * size);
        change(metadata.dataType, element);
        values.push(element);
      } else {
        model[at] = typeof model[at] === "string" ? `${model[at]}é` : new Uint8Array([...model[at], 1]);
        values.push(model[at]);
      }
    }
    const written = model instanceof Uint8Array ? new Uint8Array(Buffer.concat(values)) : values;
    const selection = box.map(([start, stop]) => slice(start, stop));
    await writeRaw(array, selection, written);
    await session.commit(`a part of ${path}`);
    const now = (await readRaw(await (await open(target)).array(path))).data;
    const then = (await readRaw(await (await open(target, { ref: first })).array(path))).data;
    const [found, expected] = [digestOf(now), digestOf(model)];
    if (JSON.stringify(found) !== JSON.stringify(expected))
      row.error = "moraine reads other values than were written";
    if (JSON.stringify(digestOf(then)) !== JSON.stringify(digestOf(before)))
      row.error = "the first snapshot changed";
    Object.assign(row, { first, before: digestOf(before), after: expected });
  } catch (error) {
    row.error = `${error?.code ?? ""} ${error?.message ?? error}`;
  }
  console.log(JSON.stringify(row));
}
