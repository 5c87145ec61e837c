/** For tests of permissions: tries one thing that a worker must not be able to do. */

/** What can be tried. */
export const attempts = ["net", "read", "write", "env", "run", "ffi", "sys"] as const;

/** One of them. */
export type Attempt = typeof attempts[number];

const tries: Readonly<Record<Attempt, () => unknown>> = {
  // Nobody listens on port 9 (discard); a refused connection would show that dialling was permitted.
  net: () => Deno.connect({ hostname: "127.0.0.1", port: 9 }),
  read: () => Deno.readDir("/")[Symbol.asyncIterator]().next(),
  // Not there: with the permission it would be NotFound.
  write: () => Deno.remove("/no-such-file-of-sealpost"),
  env: () => Deno.env.get("HOME"),
  run: () => new Deno.Command("/bin/true").output(),
  ffi: () => Deno.dlopen("/lib/libc.so.6", {}),
  sys: () => Deno.hostname(),
};

/** Tries `what`; answers "allowed", or the name of the error. */
export async function attempt(what: Attempt): Promise<string> {
  try {
    await tries[what]();
    return "allowed";
  } catch (thrown) {
    return thrown instanceof Error ? thrown.name : String(thrown);
  }
}
