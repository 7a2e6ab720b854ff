/**
 * The command line: finds the verb, runs it, and turns errors into one line and an exit status.
 *
 * @module
 */

import { setMaxListeners } from "node:events";
import "../node.ts";
import { isMoraineError, MoraineError } from "../errors.ts";
import { helpOf, parseWords, UsageError, type Verb, type VerbContext } from "./verb.ts";
import { VERBS } from "./verbs.ts";
import { VERSION } from "./version.ts";

/**
 * Runs a command line.
 *
 * @param words what stands after `moraine`
 * @returns the exit status: 0 done, 1 something was refused or differs, 2 usage
 */
export async function main(words: readonly string[]): Promise<number> {
  // Which versions of Node the AWS SDK will support is nothing that a user of this command can act on.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  const stop = new AbortController();
  // Everything that is under way listens to it.
  setMaxListeners(0, stop.signal);
  let interrupts = 0;
  const interrupt = () => {
    interrupts += 1;
    // The first asks for an orderly stop; a second one does not wait for it.
    if (interrupts > 1) process.exit(130);
    stop.abort(new MoraineError("Aborted", "interrupted"));
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  // A reader that has seen enough (`moraine refs … | head`) closes the pipe: that is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
  });
  try {
    return await dispatch(words, {
      print: (line) => write(`${line}\n`),
      warn: (line) => void process.stderr.write(`${line}\n`),
      signal: stop.signal,
      interactive: process.stderr.isTTY === true,
    });
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

async function dispatch(words: readonly string[], context: VerbContext): Promise<number> {
  const [name, ...rest] = words;
  if (name === "--version" || name === "-v") {
    await context.print(VERSION);
    return 0;
  }
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const asked = VERBS.find((verb) => verb.name === rest[0]);
    await context.print(asked ? helpOf(asked) : overview());
    return name === undefined ? 2 : 0;
  }
  const verb = VERBS.find((candidate) => candidate.name === name);
  try {
    if (verb === undefined) throw new UsageError(`there is no verb "${name}"; moraine --help lists them`);
    const parsed = parseWords(verb, rest);
    if (parsed.flag("help")) {
      await context.print(helpOf(verb));
      return 0;
    }
    return await verb.run(parsed, context);
  } catch (error) {
    return await report(error, verb, rest.includes("--json"), context);
  }
}

/** Prints an error as the contract says and gives the exit status that belongs to it. */
async function report(
  error: unknown,
  verb: Verb | undefined,
  json: boolean,
  context: VerbContext,
): Promise<number> {
  if (error instanceof UsageError) {
    context.warn(`moraine: ${error.message}`);
    if (verb) context.warn(`moraine ${verb.name} --help tells more`);
    return 2;
  }
  const known = context.signal.aborted
    ? new MoraineError("Aborted", "interrupted; nothing half-written is left")
    : isMoraineError(error)
      ? error
      : new MoraineError("StorageFailed", error instanceof Error ? error.message : String(error), {
          cause: error,
        });
  context.warn(formatError(known));
  if (process.env["MORAINE_DEBUG"] === "1" && error instanceof Error) context.warn(error.stack ?? "");
  if (json) await context.print(JSON.stringify({ error: known }));
  return known.code === "Aborted" ? 130 : 1;
}

/** `moraine: CODE: message (file, path, offset)`. */
export function formatError(error: MoraineError): string {
  const place = [
    error.source,
    error.path,
    error.offset === undefined ? undefined : `byte ${error.offset}`,
  ].filter((part) => part !== undefined && !error.message.includes(part));
  const where = place.length > 0 ? ` (${place.join(", ")})` : "";
  return `moraine: ${error.code}: ${error.message}${where}`;
}

function overview(): string {
  const width = Math.max(...VERBS.map((verb) => verb.name.length));
  return [
    "usage: moraine VERB …",
    "",
    "Index NetCDF and HDF5 files into Icechunk repositories, read them as Zarr, replace them chunk by chunk.",
    "",
    ...VERBS.map((verb) => `  ${verb.name.padEnd(width)}  ${verb.summary}`),
    "",
    "moraine VERB --help tells more of a verb; moraine --version prints the version.",
  ].join("\n");
}

/** Writes to standard output and waits while the reader on the other side is slower. */
function write(text: string): Promise<void> {
  return new Promise((resolve) => {
    if (process.stdout.write(text)) resolve();
    else process.stdout.once("drain", resolve);
  });
}
