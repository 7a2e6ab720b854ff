/**
 * Bounds what WebAssembly code takes: a damaged chunk may ask its decoder for any amount of memory.
 *
 * @module
 */

import { MoraineError } from "../../../errors.ts";

const PAGE = 65536;

/**
 * Runs a task, which must be synchronous, while no memory of WebAssembly grows beyond a limit. Compiled C gets a null
 * pointer then, and may go on with it: so nothing that the task gives is taken for right afterwards.
 *
 * Errors: `LimitExceeded` where more was wanted; those of the task.
 *
 * @param limit bytes of a memory as a whole
 */
export function withinMemory<T>(limit: number, task: () => T): T {
  const { prototype } = WebAssembly.Memory;
  const { grow } = prototype;
  let isExceeded = false;
  prototype.grow = function (this: WebAssembly.Memory, pages: number): number {
    if (this.buffer.byteLength + pages * PAGE > limit) {
      isExceeded = true;
      throw new RangeError("the limit of memory is reached");
    }
    return grow.call(this, pages);
  };
  const refused = () =>
    new MoraineError("LimitExceeded", `decoding takes more than ${limit} bytes of memory`);
  try {
    const result = task();
    if (isExceeded) throw refused();
    return result;
  } catch (error) {
    throw isExceeded ? refused() : error;
  } finally {
    prototype.grow = grow;
  }
}
