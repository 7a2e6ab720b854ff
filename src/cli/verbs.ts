/**
 * The verbs of the command line, in the order in which the help lists them.
 *
 * @module
 */

import type { Verb } from "./verb.ts";
import { blame } from "./verbs/blame.ts";
import { branch } from "./verbs/branch.ts";
import { check } from "./verbs/check.ts";
import { compact } from "./verbs/compact.ts";
import { diff } from "./verbs/diff.ts";
import { digest } from "./verbs/digest.ts";
import { expire } from "./verbs/expire.ts";
import { fsck } from "./verbs/fsck.ts";
import { gc } from "./verbs/gc.ts";
import { index } from "./verbs/index.ts";
import { inspect } from "./verbs/inspect.ts";
import { log } from "./verbs/log.ts";
import { materialize } from "./verbs/materialize.ts";
import { migrate } from "./verbs/migrate.ts";
import { read } from "./verbs/read.ts";
import { refresh } from "./verbs/refresh.ts";
import { refs } from "./verbs/refs.ts";
import { replace } from "./verbs/replace.ts";
import { status } from "./verbs/status.ts";
import { tag } from "./verbs/tag.ts";
import { verify } from "./verbs/verify.ts";

export const VERBS: readonly Verb[] = [
  inspect,
  digest,
  refs,
  read,
  check,
  index,
  verify,
  replace,
  materialize,
  refresh,
  compact,
  blame,
  log,
  branch,
  tag,
  diff,
  status,
  expire,
  gc,
  fsck,
  migrate,
];
