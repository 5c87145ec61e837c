/** The other side is not who it should be. */
import { AppError } from "../../lib/base/errors.ts";

/** Ends with exit code 5: nothing was sent to whom it should not reach. Not to be tried again without a person. */
export class TrustError extends AppError {
  constructor(text: string, options: { readonly cause?: unknown } = {}) {
    super("tampered", { text, fault: "peer", ...options });
  }
}
