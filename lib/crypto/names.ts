/** Account names: what may be one, and when two are the same. */
import { textLimits } from "../base/limits.ts";

const namePattern = new RegExp(
  `^[A-Za-z0-9][A-Za-z0-9._-]{${textLimits.nameMin - 1},${textLimits.nameMax - 1}}$`,
);

/**
 * Whether `text` can be an account's name: 3 to 32 ASCII letters, digits, `.`, `_` and `-`, the first a letter or digit.
 * Upper-case letters are kept as typed but do not distinguish; see `canonicalName`.
 */
export function isAccountName(text: string): boolean {
  return namePattern.test(text);
}

/** The form under which names are compared, looked up and bound into keys: lower case. */
export function canonicalName(text: string): string {
  return text.toLowerCase();
}
