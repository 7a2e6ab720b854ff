/**
 * The variables of the environment, where there is one.
 *
 * @module
 */

/** The value of a variable; undefined where it is unset or empty, and in browsers. */
export function environment(name: string): string | undefined {
  const { process } = globalThis as {
    readonly process?: { readonly env?: Readonly<Record<string, unknown>> };
  };
  const value = process?.env?.[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Whether a variable says yes: `1`, `true`, `yes`, `on`. */
export function environmentFlag(name: string): boolean {
  return /^(1|true|yes|on)$/i.test(environment(name) ?? "");
}
