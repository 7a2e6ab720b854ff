import { describe, expect, it } from "vitest";
import { get, index, isMoraineError, open, Repository, refresh, slice } from "../../../src/node.ts";
import { StorageRouter } from "../../../src/storage/router.ts";
import { classicFile } from "./classic-file.ts";

interface ModelFile {
  readonly address: string;
  steps: number[];
  /** What was written over steps in the repository; these values stay. */
  readonly replaced: Map<number, number>;
}

const storage = new StorageRouter();

function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One value of each step. */
async function stepsOf(target: string): Promise<number[]> {
  const { data } = await get(await (await open(target)).array("v"), [null, 3, 5]);
  return Array.from(data as Float32Array, Number);
}

describe.each([
  ["records, a chunk each", true],
  ["variables in one piece", false],
])("random changes of the sources of a repository, and of what it holds: %s", (_, hasRecords) => {
  it.each(Array.from({ length: 12 }, (__, seed) => seed))("seed %i", async (seed) => {
    const random = mulberry(seed * 2 + Number(hasRecords));
    const whole = (below: number): number => Math.floor(random() * below);
    const target = `memory://update-model/${hasRecords}/${seed}/repository`;
    let made = 0;
    const write = async (file: ModelFile): Promise<void> => {
      const times = file.steps.map((__, step) => step);
      await storage.write(file.address, classicFile(times, file.steps, hasRecords));
    };
    const newSteps = (length: number): number[] => {
      made += 1;
      return Array.from({ length }, (__, step) => made * 100 + step);
    };
    const newFile = async (): Promise<ModelFile> => {
      const steps = newSteps(1 + whole(4));
      const file = { address: `${target}-${made}.nc`, steps, replaced: new Map() };
      await write(file);
      return file;
    };
    let files = [await newFile(), await newFile(), await newFile(), await newFile()];
    await index(
      files.map(({ address }) => address),
      target,
      { concat: "time" },
    );
    for (let round = 0; round < 8; round++) {
      const expected = (): number[] =>
        files.flatMap(({ steps, replaced }) => steps.map((value, step) => replaced.get(step) ?? value));
      if (random() < 0.6) {
        const file = files[whole(files.length)];
        const step = whole(file?.steps.length ?? 0);
        const before = files.slice(0, file && files.indexOf(file)).flatMap(({ steps }) => steps).length;
        const session = await (await Repository.open(target)).writableSession("main");
        // Without records a write takes all of the chunk along.
        const array = session.array("v");
        const chunk = array.chunkGrid.name === "regular" ? (array.chunkGrid.chunkShape[0] ?? 0) : 0;
        if (chunk === 1 && file) {
          await array.set({ time: slice(before + step, before + step + 1) }, -round - 1);
          await session.commit("replaced");
          file.replaced.set(step, -round - 1);
          expect(await stepsOf(target)).toEqual(expected());
        }
      }
      const known = files.map((file) => ({ ...file, steps: file.steps, replaced: new Map(file.replaced) }));
      const chance = random();
      const changed = new Set(files.filter(() => random() < 0.4));
      for (const file of changed) {
        const isLonger = chance > 0.8 && random() < 0.5;
        file.steps = newSteps(file.steps.length + Number(isLonger));
        await write(file);
      }
      const added: ModelFile[] = random() < 0.3 ? [await newFile()] : [];
      const gone = random() < 0.25 && files.length > 1 ? files[whole(files.length)] : undefined;
      if (gone) await storage.delete([gone.address]);
      const after = files.filter((file) => file !== gone);
      const mayFail = [...changed].some(
        (file) => file.replaced.size > 0 && file.steps.length !== lengthIn(known, file),
      );
      files = [...after, ...added];
      try {
        if (!gone && added.length === 0 && random() < 0.5) await refresh(target);
        else
          await index(
            added.map(({ address }) => address),
            target,
            { update: true },
          );
      } catch (error) {
        if (!mayFail && (hasRecords || !files.some(({ replaced }) => replaced.size > 0))) throw error;
        if (!isMoraineError(error) || error.code !== "Incompatible") throw error;
        return;
      }
      expect(await stepsOf(target)).toEqual(expected());
      const { data } = await get(await (await open(target)).array("time"));
      expect(Array.from(data as Float64Array)).toEqual(
        files.flatMap(({ steps }) => steps.map((__, step) => step)),
      );
    }
  });
});

function lengthIn(files: readonly ModelFile[], { address }: ModelFile): number {
  return files.find((file) => file.address === address)?.steps.length ?? 0;
}
