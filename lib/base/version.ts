/** The version of this program; the same as in deno.json, which a test checks. */
export const version = "0.1.0";

/** How this program names itself to others: at most 64 characters. */
export const software = `sealpost ${version}`;
