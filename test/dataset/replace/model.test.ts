import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, it } from "vitest";
import { compact, get, index, materialize, open, Repository, rewrite, slice } from "../../../src/node.ts";

const demo = fileURLToPath(new URL("../../data/demo/sst-2020.nc", import.meta.url));
const SHAPE = [4, 20, 30] as const;

type Action =
  | { readonly kind: "set"; readonly box: readonly (readonly [number, number])[]; readonly value: number }
  | { readonly kind: "materialize"; readonly day: number }
  | { readonly kind: "rewrite"; readonly time: number; readonly shard: boolean }
  | { readonly kind: "compact" };

const range = (length: number) =>
  fc
    .tuple(fc.nat(length - 1), fc.nat(length - 1))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b) + 1] as const);

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("set" as const),
      box: fc.tuple(range(SHAPE[0]), range(SHAPE[1]), range(SHAPE[2])),
      value: fc.integer({ min: -32768, max: 32767 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("materialize" as const), day: fc.nat(3) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("rewrite" as const),
      time: fc.integer({ min: 1, max: 4 }),
      shard: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "compact" as const }) },
);

let repositories = 0;

async function values(target: string, ref?: string): Promise<Int16Array> {
  const { data } = await get(await (await open(target, { ref })).array("sst"));
  if (!(data instanceof Int16Array)) throw new Error("other values than expected");
  return data.slice();
}

async function carryOut(target: string, model: Int16Array, step: Action): Promise<void> {
  switch (step.kind) {
    case "set": {
      const session = await (await Repository.open(target)).writableSession("main");
      await session.array("sst").set(
        step.box.map(([first, end]) => slice(first, end)),
        step.value,
      );
      await session.commit("set", { allowEmpty: true });
      const [days, rows, columns] = step.box;
      for (let day = days?.[0] ?? 0; day < (days?.[1] ?? 0); day++) {
        for (let row = rows?.[0] ?? 0; row < (rows?.[1] ?? 0); row++) {
          const start = (day * SHAPE[1] + row) * SHAPE[2];
          model.fill(step.value, start + (columns?.[0] ?? 0), start + (columns?.[1] ?? 0));
        }
      }
      return;
    }
    case "materialize":
      await materialize(target, { path: "/sst", where: `time=${step.day}`, budget: 400 });
      return;
    case "rewrite": {
      const chunks = { time: step.time, lat: 10, lon: 15 };
      const shards = step.shard ? { shards: { lat: 20, lon: 30 } } : {};
      await rewrite(target, { path: "/sst", chunks, ...shards });
      return;
    }
    case "compact":
      await compact(target, { threshold: 0.9 });
  }
}

it("every snapshot reads what a model holds, whatever was replaced, rewritten and repacked", async () => {
  const original = await values(demo);
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 8 }), async (actions) => {
      const target = `memory://replace-model-${++repositories}/`;
      await Repository.create(target, { config: { inlineChunkThresholdBytes: 0 } });
      await index([demo], target);
      const model = original.slice();
      const states = new Map<string, Int16Array>();
      for (const step of actions) {
        await carryOut(target, model, step);
        for await (const { id } of (await Repository.open(target)).ancestry()) {
          if (!states.has(id)) states.set(id, model.slice());
          break;
        }
        expect(await values(target)).toEqual(model);
        for (const [id, state] of states) expect(await values(target, id)).toEqual(state);
      }
    }),
    { numRuns: 25 },
  );
});
