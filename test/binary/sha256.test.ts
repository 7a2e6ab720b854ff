import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { PortableSha256 } from "../../src/binary/sha256.ts";

it("agrees with OpenSSL on bytes in any parts", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), (parts) => {
      const hash = new PortableSha256();
      const expected = createHash("sha256");
      for (const part of parts) {
        hash.update(part);
        expected.update(part);
      }
      expect(hash.digest()).toBe(expected.digest("hex"));
    }),
  );
});

it.each([0, 1, 55, 56, 63, 64, 119, 120, 128])("pads %i bytes", (length) => {
  const bytes = new Uint8Array(length).fill(0xa5);
  const hash = new PortableSha256();
  hash.update(bytes);
  expect(hash.digest()).toBe(createHash("sha256").update(bytes).digest("hex"));
});
