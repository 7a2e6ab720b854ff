/**
 * Words that the verbs share which change chunks of a repository, batch after batch.
 *
 * @module
 */

import type { CampaignSummary } from "../dataset/replace/commit-batches.ts";
import type { RouterOptions } from "../storage/router.ts";
import { formatBytes, formatCounted, ProgressLine } from "./progress.ts";
import { storageOptions } from "./storage-options.ts";
import { parseBytes, type VerbArguments, type VerbContext, type VerbOption } from "./verb.ts";

export const CAMPAIGN_OPTIONS: readonly VerbOption[] = [
  {
    name: "object-size",
    value: "SIZE",
    help: "small chunks are packed into objects of about this size (default 8MiB)",
  },
  { name: "branch", value: "NAME", help: "of the repository (default main)" },
  { name: "message", value: "TEXT", help: "of the commits" },
];

export const WHERE: VerbOption = {
  name: "where",
  value: "PART",
  help: 'only a part: "time=2020-01..2020-12,lat=-10..10" (values) or "time=0:24" (positions)',
};

export const BUDGET: VerbOption = {
  name: "budget",
  value: "SIZE",
  help: "stored bytes of one commit (default 256MiB)",
};

/** The options of a campaign that were given. */
export interface CampaignWords extends RouterOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly chunks: number; readonly bytes: number }) => void;
  readonly where?: string;
  readonly branch?: string;
  readonly message?: string;
  readonly budget?: number;
  readonly chunkObjectBytes?: number;
}

/** What of the options of a campaign was given, and the line that shows its progress. */
function campaignOptions(words: VerbArguments, context: VerbContext, line: ProgressLine): CampaignWords {
  const [where, branch, message] = [words.text("where"), words.text("branch"), words.text("message")];
  const [budget, object] = [words.text("budget"), words.text("object-size")];
  return {
    ...storageOptions(words),
    signal: context.signal,
    onProgress: (progress: { readonly chunks: number; readonly bytes: number }) => line.show(progress),
    ...(where !== undefined && { where }),
    ...(branch !== undefined && { branch }),
    ...(message !== undefined && { message }),
    ...(budget !== undefined && { budget: parseBytes(budget, "budget") }),
    ...(object !== undefined && { chunkObjectBytes: parseBytes(object, "object-size") }),
  };
}

/** Runs a campaign with a line of progress, and prints what it did. */
export async function runCampaign<Summary extends CampaignSummary>(
  words: VerbArguments,
  context: VerbContext,
  work: (options: CampaignWords) => Promise<Summary>,
  tell: (summary: Summary) => string = () => "",
): Promise<0> {
  const line = new ProgressLine(context.interactive);
  const summary = await work(campaignOptions(words, context, line)).finally(() => line.clear());
  if (words.flag("json")) {
    await context.print(JSON.stringify(summary));
    return 0;
  }
  const { chunks, bytes, commits } = summary;
  await context.print(
    `${formatCounted(chunks, "chunk")}, ${formatBytes(bytes)}, in ${formatCounted(commits.length, "commit")}${tell(summary)}`,
  );
  for (const snapshot of commits) await context.print(`  ${snapshot}`);
  return 0;
}
