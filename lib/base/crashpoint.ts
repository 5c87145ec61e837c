/**
 * Named points at which a process can be made to kill itself, so that tests can prove what survives `kill -9` there.
 * Nothing happens unless a composition root arms one; only it knows how to kill, and hands that in.
 */

const points = [
  // Server
  "server:received",
  "server:appended",
  "server:committed",
  "server:replied",
  "server:pushed",
  "server:acked",
  // Client
  "client:queued",
  "client:encrypted",
  "client:sealed",
  "client:sent",
  "client:accepted",
  "client:received",
  "client:decrypted",
  "client:stored",
  "client:acknowledged",
  "client:restored",
  "client:archived",
] as const;

/** A point of the way of one message, on either side. */
export type CrashPoint = typeof points[number];

/** What to arm: the point, and at which of its passes (1 is the first). Plain data, to be handed to workers. */
export interface CrashPlan {
  readonly point: CrashPoint;
  readonly pass: number;
}

interface Armed extends CrashPlan {
  readonly kill: () => void;
  seen: number;
}

let armed: Armed | undefined;

/** Reads `point` or `point:n` (`server:appended:3`). Throws `TypeError` when it names no point. */
export function parseCrashPlan(text: string): CrashPlan {
  const match = /^([a-z]+:[a-z]+)(?::([1-9][0-9]{0,6}))?$/.exec(text);
  const point = points.find((each) => each === match?.[1]);
  if (point === undefined) throw new TypeError(`no crash point is called ${JSON.stringify(text)}`);
  return { point, pass: Number(match?.[2] ?? 1) };
}

/**
 * Arms `plan` in this thread; `undefined` disarms. `kill` ends the whole process: where that is permitted by a signal
 * to itself, in a worker by asking the thread that may.
 */
export function armCrashPoint(plan: CrashPlan | undefined, kill: () => void): void {
  armed = plan === undefined ? undefined : { ...plan, kill, seen: 0 };
}

/** Says that `point` was reached. Does nothing unless it is armed; then it does not return. */
export function reach(point: CrashPoint): void {
  if (armed === undefined || armed.point !== point) return;
  armed.seen += 1;
  if (armed.seen < armed.pass) return;
  armed.kill();
  // Nothing of this thread may run between asking for the end and the end.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
