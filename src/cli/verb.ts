/**
 * What a verb of the command line is, and how its words become values.
 *
 * @module
 */

import { type ParseArgsConfig, parseArgs } from "node:util";
import { MoraineError } from "../errors.ts";

/** An option of a verb: `--name VALUE`, or `--name` alone when it takes no value. */
export interface VerbOption {
  readonly name: string;
  /** What stands for the value in the help; absent for a switch. */
  readonly value?: string;
  readonly help: string;
  /** May be given several times. */
  readonly repeatable?: boolean;
}

/** The words after the verb, sorted out. */
export interface VerbArguments {
  readonly positionals: readonly string[];
  /** The value of an option, undefined where it was not given. */
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  flag(name: string): boolean;
  /** A whole number of at least `minimum`; a usage error otherwise. */
  count(name: string, minimum?: number): number | undefined;
}

/** Where a verb writes and what can stop it. */
export interface VerbContext {
  /** A line to standard output; resolves when the consumer is ready for more. */
  print(line: string): Promise<void>;
  /** A line to standard error. */
  warn(line: string): void;
  readonly signal: AbortSignal;
  /** Whether standard error is a terminal, so that progress makes sense. */
  readonly interactive: boolean;
}

/** Exit status of a verb: 0 done, 1 something was refused or differs. (2, usage, is thrown.) */
export type ExitStatus = 0 | 1;

export interface Verb {
  readonly name: string;
  /** The words after the name: `SOURCE [PATH]`. */
  readonly synopsis: string;
  readonly summary: string;
  readonly options: readonly VerbOption[];
  /** Lines for the end of the help: examples. */
  readonly examples?: readonly string[];
  /** How many words without a dash it takes. */
  readonly positionals: { readonly minimum: number; readonly maximum: number };
  run(words: VerbArguments, context: VerbContext): Promise<ExitStatus>;
}

/** The command line itself was wrong: exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** How addresses are reached; the environment (AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL …) is heard too. */
const STORAGE_OPTIONS: readonly VerbOption[] = [
  { name: "anonymous", help: "S3: do not sign requests (public buckets)" },
  { name: "endpoint", value: "URL", help: "S3: another service than AWS" },
  { name: "region", value: "NAME", help: "S3: region of the buckets" },
  { name: "profile", value: "NAME", help: "S3: profile of ~/.aws with the credentials" },
  { name: "requester-pays", help: "S3: you pay for requests and traffic" },
  {
    name: "header",
    value: "HOST=NAME:VALUE",
    help: "HTTP: a header for one host; $NAME in the value is a variable of the environment",
    repeatable: true,
  },
  { name: "retries", value: "N", help: "attempts after one that failed in a way that may pass (default 6)" },
];

/** Options that every verb has. */
const COMMON_OPTIONS: readonly VerbOption[] = [
  ...STORAGE_OPTIONS,
  { name: "json", help: "print JSON for programs" },
  { name: "help", help: "print this help" },
];

/** Options of the verbs that read a SOURCE, which may be a repository. */
export const REF_OPTIONS: readonly VerbOption[] = [
  { name: "ref", value: "NAME", help: "branch, tag or snapshot id of a repository (default main)" },
  { name: "as-of", value: "TIME", help: "the state of the branch at this time (ISO 8601)" },
  {
    name: "authorize",
    value: "PREFIX",
    help: "read virtual chunks below this path or URL only; files of this machine, for a repository elsewhere",
    repeatable: true,
  },
];

/** Sorts out the words after a verb; a {@link UsageError} where they do not fit. */
export function parseWords(verb: Verb, words: readonly string[]): VerbArguments {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const option of [...verb.options, ...COMMON_OPTIONS]) {
    options[option.name] = {
      type: option.value === undefined ? "boolean" : "string",
      multiple: option.repeatable === true,
    };
  }
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
  }
  const { values, positionals } = parsed;
  const { minimum, maximum } = verb.positionals;
  if (values["help"] !== true && (positionals.length < minimum || positionals.length > maximum)) {
    const further = positionals[maximum];
    const reason = further === undefined ? "" : `"${further}" is more than this verb takes; `;
    throw new UsageError(`${reason}usage: moraine ${verb.name} ${verb.synopsis}`);
  }
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  return {
    positionals,
    text,
    texts(name) {
      const value = values[name];
      return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
    },
    flag: (name) => values[name] === true,
    count(name, minimumCount = 0) {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = Number(value);
      if (!/^\d+$/.test(value) || !Number.isSafeInteger(number) || number < minimumCount) {
        throw new UsageError(`--${name} takes a whole number of at least ${minimumCount}, not "${value}"`);
      }
      return number;
    },
  };
}

/** The help of a verb. */
export function helpOf(verb: Verb): string {
  const rows = [...verb.options, ...COMMON_OPTIONS].map(
    (option) => [`  --${option.name}${option.value ? ` ${option.value}` : ""}`, option.help] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    `usage: moraine ${verb.name} ${verb.synopsis}`,
    "",
    verb.summary,
    "",
    ...rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`),
    ...(verb.examples ? ["", ...verb.examples.map((line) => `  ${line}`)] : []),
  ].join("\n");
}

/** What kind of thing a size is: `64 MiB`, `1.5GB`, `4096`. In bytes. */
export function parseBytes(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?$/i.exec(text.trim());
  const [, digits = "", letter = "", binary = ""] = match ?? [];
  const power = ["", "k", "m", "g", "t"].indexOf(letter.toLowerCase());
  const bytes = Number(digits) * (binary === "" ? 1000 : 1024) ** power;
  if (!match || !Number.isSafeInteger(Math.round(bytes))) {
    throw new UsageError(`--${option} takes a size such as 64MiB, not "${text}"`);
  }
  return Math.round(bytes);
}

/** A time of the command line (`2026-11-24`, `2026-11-24T12:00Z`); UTC where it names no zone. */
export function parseTime(text: string): Date {
  const zoned = /[zZ]$|[+-]\d\d:?\d\d$/.test(text) || /^\d{4}(-\d\d){0,2}$/.test(text);
  const time = new Date(zoned ? text : `${text}Z`);
  if (Number.isNaN(time.getTime())) {
    throw new MoraineError("InvalidArgument", `"${text}" is not a time; ISO 8601 is: 2026-11-24T12:00:00Z`);
  }
  return time;
}
