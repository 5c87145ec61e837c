/** One form for a password, however a keyboard composed it. */

/**
 * The form of a password that goes into every derivation: Unicode NFC (as RFC 8265 section 4.2 asks for), so that an
 * accented letter typed on another system is still the same password. Nothing is trimmed and case is kept.
 */
export function passwordText(typed: string): string {
  return typed.normalize("NFC");
}
