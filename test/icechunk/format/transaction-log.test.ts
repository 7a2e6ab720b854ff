import { describe, expect, it } from "vitest";
import { randomNodeId, randomObjectId } from "../../../src/icechunk/format/identifier.ts";
import {
  EMPTY_TRANSACTION_LOG,
  readTransactionLog,
  writeTransactionLog,
} from "../../../src/icechunk/format/transaction-log.ts";

describe("a transaction log", () => {
  const logOf = (count: number, coordinates: Uint32Array) => ({
    ...EMPTY_TRANSACTION_LOG,
    updatedChunks: new Map([[randomNodeId(), { rank: 1, count, coordinates }]]),
  });

  it("says what was written", async () => {
    const log = logOf(3, Uint32Array.of(1, 5, 2 ** 32 - 1));
    const id = randomObjectId();
    const file = await writeTransactionLog(id, log, 1);
    expect(await readTransactionLog(file, "log", id)).toEqual(log);
    // Under another's name it would hide conflicts.
    const other = readTransactionLog(file, "log", randomObjectId());
    await expect(other).rejects.toMatchObject({ code: "CorruptFile", message: expect.stringContaining(id) });
  });

  it("of more chunks than official readers take is refused before anything is made of it", async () => {
    const log = logOf(50_000_000, new Uint32Array(0));
    await expect(writeTransactionLog(randomObjectId(), log, 1)).rejects.toMatchObject({
      code: "LimitExceeded",
    });
  });
});
