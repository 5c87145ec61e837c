/** Ends this very process as if by `kill -9`, for tests of crashes. */

/** The exit code that a shell shows for a process killed by SIGKILL. */
const killed = 137;

/** Does not return. */
export function killSelf(): never {
  for (const way of [bySignal, byShell]) {
    try {
      way();
    } catch (thrown) {
      // Both need rights that a server in normal use has not.
      if (!(thrown instanceof Deno.errors.NotCapable)) throw thrown;
    }
  }
  // Nothing is closed or written on this way either.
  Deno.exit(killed);
}

function bySignal(): void {
  Deno.kill(Deno.pid, "SIGKILL");
}

function byShell(): void {
  new Deno.Command("/bin/sh", { args: ["-c", `kill -9 ${Deno.pid}`] }).outputSync();
}
