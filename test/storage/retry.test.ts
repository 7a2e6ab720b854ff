import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MoraineError } from "../../src/errors.ts";
import type { StorageEvent } from "../../src/storage/events.ts";
import { RetryLater, withRetries } from "../../src/storage/retry.ts";

describe("trying again", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const failing = (times: number) => {
    let calls = 0;
    return vi.fn(async () => {
      calls += 1;
      if (calls <= times) throw new RetryLater(`fault ${calls}`);
      return "done";
    });
  };

  it("goes on until it succeeds, with pauses that grow, and tells of each", async () => {
    const events: StorageEvent[] = [];
    const attempt = failing(4);
    const done = withRetries("https://host/a", {}, (event) => events.push(event), undefined, attempt);
    await vi.runAllTimersAsync();
    expect(await done).toBe("done");
    expect(attempt).toHaveBeenCalledTimes(5);
    const waits = events.map((event) => (event.type === "retry" ? event.wait : 0));
    waits.forEach((wait, i) => {
      expect(wait).toBeGreaterThanOrEqual(50 * 2 ** i);
      expect(wait).toBeLessThanOrEqual(100 * 2 ** i);
    });
  });

  it("fails at once for what will not pass", async () => {
    const attempt = vi.fn(() => Promise.reject(new MoraineError("NotFound", "nothing")));
    await expect(withRetries("a", {}, undefined, undefined, attempt)).rejects.toMatchObject({
      code: "NotFound",
    });
    expect(attempt).toHaveBeenCalledOnce();
  });

  it("names the address, the attempts and the last cause when it gives up", async () => {
    const done = withRetries("https://host/a", { retries: 2 }, undefined, undefined, failing(9));
    const checked = expect(done).rejects.toMatchObject({
      code: "StorageFailed",
      source: "https://host/a",
      message: "fault 3 (3 attempts)",
    });
    await vi.runAllTimersAsync();
    await checked;
  });

  it("waits as long as the server asks, but begins nothing after the deadline", async () => {
    const slow = vi.fn(() => Promise.reject(new RetryLater("busy", { throttled: true, after: 50_000 })));
    const done = withRetries("a", { deadline: 120_000 }, undefined, undefined, slow);
    const checked = expect(done).rejects.toMatchObject({ code: "StorageFailed" });
    await vi.advanceTimersByTimeAsync(49_000);
    expect(slow).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(60_000);
    await checked;
    expect(slow).toHaveBeenCalledTimes(3);
  });

  it("stops waiting when it is cancelled", async () => {
    const controller = new AbortController();
    const done = withRetries("a", {}, undefined, controller.signal, failing(9));
    const checked = expect(done).rejects.toMatchObject({ code: "Aborted" });
    await vi.advanceTimersByTimeAsync(10);
    controller.abort();
    await checked;
  });
});
