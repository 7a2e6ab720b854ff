/**
 * The options that say how addresses are reached.
 *
 * @module
 */

import type { RouterOptions } from "../storage/router.ts";
import { UsageError, type VerbArguments } from "./verb.ts";

/** `--anonymous`, `--endpoint`, `--region`, `--profile`, `--requester-pays`, `--header` and `--retries`. */
export function storageOptions(words: VerbArguments): RouterOptions {
  const endpoint = words.text("endpoint");
  if (endpoint !== undefined && !/^https?:\/\/[^/@]+/i.test(endpoint)) {
    throw new UsageError(`--endpoint takes a URL such as https://s3.example.org, not "${endpoint}"`);
  }
  const region = words.text("region");
  const profile = words.text("profile");
  const retries = words.count("retries");
  const headers = headersOf(words.texts("header"));
  return {
    s3: {
      ...(endpoint !== undefined && { endpoint }),
      ...(region !== undefined && { region }),
      ...(profile !== undefined && { profile }),
      ...(words.flag("anonymous") && { anonymous: true }),
      ...(words.flag("requester-pays") && { requesterPays: true }),
      ...(retries !== undefined && { retries }),
    },
    http: { headers, ...(retries !== undefined && { retries }) },
  };
}

/** `host=Name:value`; secrets stand in the environment, as other users see the words of a command. */
function headersOf(texts: readonly string[]): Record<string, Record<string, string>> {
  const hosts: Record<string, Record<string, string>> = {};
  for (const text of texts) {
    const [, host, name, value] = /^([^=/@\s]+)=([^:\s]+):\s*(.*)$/s.exec(text) ?? [];
    if (host === undefined || name === undefined || value === undefined) {
      throw new UsageError(
        '--header takes HOST=NAME:VALUE, such as "data.example.org=Authorization:Bearer $TOKEN"',
      );
    }
    const known = Object.hasOwn(hosts, host) ? hosts[host] : undefined;
    hosts[host] = { ...known, [name.toLowerCase()]: expand(value) };
  }
  return hosts;
}

function expand(value: string): string {
  return value.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, plain?: string) => {
    const name = braced ?? plain ?? "";
    const found = process.env[name];
    if (found === undefined) throw new UsageError(`--header names the variable ${name}, which is not set`);
    return found;
  });
}
