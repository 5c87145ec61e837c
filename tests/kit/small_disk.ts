/** A file system of a few MiB, for tests of what happens when it is full. Only root may mount one. */

function run(command: string, args: readonly string[]): boolean {
  const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
  try {
    return new Deno.Command(command, { args: [...args], ...quiet }).outputSync().success;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** A mounted file system. Use with `using`: it is taken away at the end. */
export class SmallDisk implements Disposable {
  /** Where it is mounted. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Mounts one of so many MiB; undefined where this process may not. */
  static mount(mebibytes: number): SmallDisk | undefined {
    if (Deno.build.os !== "linux") return undefined;
    const path = Deno.makeTempDirSync({ prefix: "sealpost-disk-" });
    const flags = ["-t", "tmpfs", "-o", `size=${mebibytes}m,mode=0700`];
    if (run("mount", [...flags, "sealpost-test", path])) return new SmallDisk(path);
    Deno.removeSync(path);
    return undefined;
  }

  /** Whether this process may mount one. */
  static isAllowed(): boolean {
    using disk = SmallDisk.mount(1);
    return disk !== undefined;
  }

  get #ballast(): string {
    return `${this.path}/ballast`;
  }

  /** Fills it up until only `left` bytes (a multiple of 4 KiB) can still be written. */
  fill(left = 0): void {
    using file = Deno.openSync(this.#ballast, { write: true, create: true, append: true });
    const block = new Uint8Array(4096);
    try {
      for (;;) file.writeSync(block);
    } catch (thrown) {
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOSPC")) throw thrown;
    }
    file.truncateSync(Math.max(0, file.statSync().size - left));
  }

  /** Makes room again. */
  empty(): void {
    Deno.removeSync(this.#ballast);
  }

  [Symbol.dispose](): void {
    // Whoever still has a file open there keeps it until it ends.
    run("umount", ["-l", this.path]);
    Deno.removeSync(this.path, { recursive: true });
  }
}
