/** What every kind of content brings along. */
import type { Fields } from "./fields.ts";

/** One kind of content. `Body`: what it says beside id and time, in plain values. */
export interface ContentKind<Body> {
  /** Whether it makes no line of its own: a program that does not know the kind passes over it quietly. */
  readonly silent: boolean;
  /** The fields as they are signed. Throws `AppError("too_large")` or `AppError("malformed")` for a body out of bounds. */
  encode(body: Body): Fields;
  /**
   * The body that the fields make; fields that are not known are passed over, so that a newer program may add some. Throws
   * `AppError("malformed")` for everything out of bounds.
   */
  decode(fields: Fields): Body;
  /** What a program that does not know this kind shows in its place, also of a silent kind; at most 1 KiB. */
  fallback?(body: Body): string;
}
