/**
 * A scanned file on its way from one thread to another: metadata that were sent before are sent as their number.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import type { AlikeMetadata } from "../journal/alike-metadata.ts";
import type { ScannedArray, ScannedFault, ScannedFile, ScannedGroup } from "../journal/scanned-file.ts";
import { slimScan } from "../journal/slim-scan.ts";

type SentArray = Omit<ScannedArray, "metadata"> & { readonly metadata: number };

export interface SentScan extends Omit<ScannedFile, "nodes"> {
  readonly nodes: readonly (ScannedGroup | ScannedFault | SentArray)[];
  /** Metadata that are sent for the first time, with their numbers and where they were met. */
  readonly fresh: readonly {
    readonly number: number;
    readonly place: string;
    readonly metadata: ArrayMetadata;
  }[];
}

/** What one thread has sent, by number. */
export type SentMetadata = Map<number, ArrayMetadata>;

/** Numbers metadata for one receiver. */
export class ScanSender {
  readonly #alike: AlikeMetadata;
  readonly #numbers = new WeakMap<ArrayMetadata, number>();
  #next = 0;

  constructor(alike: AlikeMetadata) {
    this.#alike = alike;
  }

  send(file: ScannedFile): SentScan {
    const fresh: { number: number; place: string; metadata: ArrayMetadata }[] = [];
    const nodes = file.nodes.map((node) => {
      if (node.kind !== "array") return node;
      const { place, metadata } = this.#alike.sharedOf(node);
      let number = this.#numbers.get(metadata);
      if (number === undefined) {
        number = this.#next++;
        this.#numbers.set(metadata, number);
        fresh.push({ number, place, metadata });
      }
      return { ...node, metadata: number };
    });
    return { ...file, nodes, fresh };
  }
}

/** The file as it was before it was sent. */
export function receiveScan(
  { fresh, nodes, ...file }: SentScan,
  known: SentMetadata,
  alike: AlikeMetadata,
): ScannedFile {
  for (const { number, place, metadata } of fresh) known.set(number, alike.shared(place, metadata));
  return slimScan({ ...file, nodes }, (node: SentArray) => {
    const metadata = known.get(node.metadata);
    if (metadata === undefined) throw new MoraineError("InvalidArgument", "metadata that were not sent");
    return metadata;
  });
}
