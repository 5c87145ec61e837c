/** Runs commands that the person in front named, for `listen --exec`. */

/** What a command is handed, beside its own words. */
export interface ShellData {
  /** On its standard input. */
  readonly input: string;
  /** In its environment, beside ours. */
  readonly env: Readonly<Record<string, string>>;
}

/** Runs `command` with the shell; its exit code. What it prints goes where ours does. */
export async function runShell(command: string, { input, env }: ShellData): Promise<number> {
  const args = ["-c", command];
  const child = new Deno.Command("/bin/sh", { args, env, stdin: "piped" }).spawn();
  const [status] = await Promise.all([child.status, feed(child.stdin, input)]);
  return status.code;
}

/** A command need not read what it is given. */
async function feed(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch (error) {
    // A broken pipe, or a stream that was closed under the writer, by which of the two came first.
    if (!(error instanceof Deno.errors.BrokenPipe || error instanceof TypeError)) throw error;
  }
}
