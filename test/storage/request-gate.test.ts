import { describe, expect, it, vi } from "vitest";
import { RequestGate } from "../../src/storage/request-gate.ts";
import { RetryLater } from "../../src/storage/retry.ts";
import { codeOf } from "./conformance.ts";

/** A task that ends when it is told to. */
function held() {
  let release = () => {};
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { task: vi.fn(() => promise), release };
}

const turns = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("a request gate", () => {
  it("lets so many requests in at a time, in order", async () => {
    const gate = new RequestGate({ requests: 2, bytes: 1000 });
    const tasks = [held(), held(), held(), held()];
    const done = tasks.map(({ task }) => gate.run(1, undefined, task));
    await turns();
    expect(tasks.map(({ task }) => task.mock.calls.length)).toEqual([1, 1, 0, 0]);
    tasks[1]?.release();
    await turns();
    expect(tasks.map(({ task }) => task.mock.calls.length)).toEqual([1, 1, 1, 0]);
    for (const { release } of tasks) release();
    await Promise.all(done);
  });

  it("bounds the bytes under way, and lets one that is larger go alone", async () => {
    const gate = new RequestGate({ requests: 10, bytes: 100 });
    const tasks = [held(), held(), held()];
    const done = [60, 500, 10].map((bytes, i) => gate.run(bytes, undefined, tasks[i]?.task ?? turns));
    await turns();
    expect(tasks.map(({ task }) => task.mock.calls.length)).toEqual([1, 0, 0]);
    tasks[0]?.release();
    await turns();
    expect(tasks.map(({ task }) => task.mock.calls.length)).toEqual([1, 1, 0]);
    tasks[1]?.release();
    await turns();
    expect(tasks[2]?.task).toHaveBeenCalledOnce();
    tasks[2]?.release();
    await Promise.all(done);
  });

  it("makes room when a task fails", async () => {
    const gate = new RequestGate({ requests: 1, bytes: 100 });
    await expect(gate.run(1, undefined, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await gate.run(1, undefined, async () => 5)).toBe(5);
  });

  it("forgets who is cancelled while waiting", async () => {
    const gate = new RequestGate({ requests: 1, bytes: 100 });
    const first = held();
    const running = gate.run(1, undefined, first.task);
    const controller = new AbortController();
    const second = held();
    const waiting = codeOf(gate.run(1, controller.signal, second.task));
    controller.abort();
    expect(await waiting).toBe("Aborted");
    first.release();
    await running;
    expect(second.task).not.toHaveBeenCalled();
    expect(await gate.run(1, undefined, async () => 1)).toBe(1);
  });

  const refuse = (gate: RequestGate, after?: number) =>
    gate
      .run(1, undefined, () => Promise.reject(new RetryLater("busy", { throttled: true, after })))
      .catch(() => {});

  it("halves its limit once for a burst that is refused, and grows again by successes", async () => {
    const gate = new RequestGate({ requests: 8, bytes: 1000 });
    const burst = Array.from({ length: 8 }, () => {
      let fail = () => {};
      const promise = new Promise<void>((_, reject) => {
        fail = () => reject(new RetryLater("busy", { throttled: true }));
      });
      return { done: gate.run(1, undefined, () => promise).catch(() => {}), fail: () => fail() };
    });
    await turns();
    for (const { fail } of burst) fail();
    await Promise.all(burst.map(({ done }) => done));
    expect(gate.limit).toBe(4);
    await refuse(gate);
    expect(gate.limit).toBe(1);
    for (let i = 0; i < 100; i++) await gate.run(1, undefined, async () => undefined);
    expect(gate.limit).toBe(8);
  });

  it("lets nobody in while the server wants a pause", async () => {
    vi.useFakeTimers();
    try {
      const gate = new RequestGate({ requests: 8, bytes: 1000 });
      await refuse(gate, 5000);
      const next = held();
      const done = gate.run(1, undefined, next.task);
      await vi.advanceTimersByTimeAsync(4900);
      expect(next.task).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(200);
      expect(next.task).toHaveBeenCalledOnce();
      next.release();
      await done;
    } finally {
      vi.useRealTimers();
    }
  });
});
