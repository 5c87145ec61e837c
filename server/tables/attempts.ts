/** The part of the storage port that counts attempts of all kinds. */
import type { Failures } from "../domain/login_delay.ts";

/** What is counted. */
export type AttemptKind =
  | "login_name"
  | "login_remote"
  | "register_start"
  | "register"
  | "enrol"
  | "claim"
  | "group"
  | "invite"
  | "refusal"
  | "rollback"
  | "recreate"
  | "snapshot"
  | "lobby"
  | "archive";

/** Counters of attempts. */
export interface Attempts {
  get(kind: AttemptKind, subject: string): Failures | undefined;
  set(kind: AttemptKind, subject: string, value: Failures): void;
  clear(kind: AttemptKind, subject: string): void;
  expire(before: number): number;
}
