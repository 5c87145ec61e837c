/**
 * Tries a regular expression on texts, and does nothing else. It is a worker because some expressions take longer than
 * anybody lives, and the only way to stop one is to end its thread.
 */

declare const self: DedicatedWorkerGlobalScope;

/** What the worker is asked: which of the texts match. */
export interface GrepBatch {
  readonly source: string;
  readonly flags: string;
  readonly texts: readonly string[];
}

self.onmessage = ({ data }: MessageEvent<GrepBatch>) => {
  const pattern = new RegExp(data.source, data.flags);
  self.postMessage(data.texts.map((text) => {
    pattern.lastIndex = 0;
    return pattern.test(text);
  }));
};
