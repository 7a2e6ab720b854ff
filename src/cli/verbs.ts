/**
 * The verbs of the command line, in the order in which the help lists them.
 *
 * @module
 */

import type { Verb } from "./verb.ts";
import { digest } from "./verbs/digest.ts";
import { index } from "./verbs/index.ts";
import { inspect } from "./verbs/inspect.ts";
import { read } from "./verbs/read.ts";
import { refs } from "./verbs/refs.ts";

export const VERBS: readonly Verb[] = [inspect, digest, refs, read, index];
