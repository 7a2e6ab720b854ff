/**
 * One line on a terminal that tells how far long work is: files, chunks, bytes, rate, time left.
 *
 * @module
 */

/** What has been done so far. */
export interface Progress {
  readonly files?: number;
  readonly totalFiles?: number;
  readonly chunks?: number;
  readonly bytes?: number;
}

/** Draws progress on standard error while it is a terminal; otherwise does nothing. */
export class ProgressLine {
  readonly #enabled: boolean;
  readonly #started: number = performance.now();
  #drawn = 0;
  #width = 0;

  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  /** Shows the state, at most ten times a second. */
  show(progress: Progress): void {
    const now = performance.now();
    if (!this.#enabled || now - this.#drawn < 100) return;
    this.#drawn = now;
    const seconds = Math.max((now - this.#started) / 1000, 0.001);
    const parts: string[] = [];
    if (progress.files !== undefined) {
      const total = progress.totalFiles === undefined ? "" : `/${progress.totalFiles}`;
      parts.push(`${progress.files}${total} files`);
    }
    if (progress.chunks !== undefined) parts.push(formatCounted(progress.chunks, "chunk"));
    if (progress.bytes !== undefined) {
      parts.push(formatBytes(progress.bytes), `${formatBytes(progress.bytes / seconds)}/s`);
    }
    if (progress.files && progress.totalFiles && progress.files < progress.totalFiles) {
      parts.push(
        `${formatDuration((seconds / progress.files) * (progress.totalFiles - progress.files))} left`,
      );
    }
    const line = parts.join("  ");
    process.stderr.write(`\r${line.padEnd(this.#width)}`);
    this.#width = line.length;
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#width > 0) process.stderr.write(`\r${" ".repeat(this.#width)}\r`);
    this.#width = 0;
  }
}

/** `1,234,567`, without the tables of `toLocaleString`, which take a third of a second to load. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 group`, `1,234 groups`. */
export function formatCounted(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

const CHUNK_KINDS = ["virtual", "native", "inline", "missing", "decoded"] as const;

/** `12 virtual, 1,234 native`: numbers of chunks by how they are kept, those that are not zero. */
export function formatKinds(chunks: Readonly<Partial<Record<(typeof CHUNK_KINDS)[number], number>>>): string {
  return CHUNK_KINDS.flatMap((kind) => {
    const count = chunks[kind] ?? 0;
    return count > 0 ? [`${formatCount(count)} ${kind}`] : [];
  }).join(", ");
}

/** `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
