/** What the store of files needs of the disk; tests put another in its place. */

/** A file that is open for writing at its end. */
export interface DiskFile {
  write(bytes: Uint8Array): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Returns when what was written will survive a crash of the machine. */
  sync(): Promise<void>;
  close(): void;
}

/** The disk, as far as one folder is concerned. Names are those of files in it. */
export interface Disk {
  /** Opens a file for writing behind its first `keep` bytes, and forgets what is beyond them; makes it when `keep` is 0. */
  open(name: string, keep: number): Promise<DiskFile>;
  /** At most `length` bytes from `offset` on. */
  read(
    name: string,
    range: { readonly offset: number; readonly length: number },
  ): Promise<Uint8Array<ArrayBuffer>>;
  /** Whether the folder's own entries will survive a crash, from here on. */
  syncNames(): Promise<void>;
  /** Nothing happens when it is not there. */
  remove(name: string): Promise<void>;
  names(): AsyncIterable<string>;
}

/** The folder `path`, made with mode 0700 when it is not there; its files have mode 0600. */
export function folderDisk(path: string): Disk {
  const at = (name: string) => `${path}/${name}`;
  return {
    async open(name, keep) {
      await Deno.mkdir(path, { recursive: true, mode: 0o700 });
      const file = await Deno.open(at(name), { write: true, create: keep === 0, mode: 0o600 });
      try {
        if ((await file.stat()).size < keep) throw new Deno.errors.UnexpectedEof(name);
        await file.truncate(keep);
        await file.seek(keep, Deno.SeekMode.Start);
      } catch (thrown) {
        file.close();
        throw thrown;
      }
      return {
        write: (bytes) => file.write(bytes),
        async truncate(length) {
          await file.truncate(length);
          await file.seek(length, Deno.SeekMode.Start);
        },
        sync: () => file.sync(),
        close: () => file.close(),
      };
    },
    read: (name, range) => readRange(at(name), range),
    async syncNames() {
      using folder = await Deno.open(path);
      await folder.sync();
    },
    async remove(name) {
      try {
        await Deno.remove(at(name));
      } catch (thrown) {
        if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
      }
    },
    async *names() {
      try {
        for await (const { name } of Deno.readDir(path)) yield name;
      } catch (thrown) {
        if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
      }
    },
  };
}

async function readRange(
  path: string,
  { offset, length }: { readonly offset: number; readonly length: number },
): Promise<Uint8Array<ArrayBuffer>> {
  using file = await Deno.open(path);
  await file.seek(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = await file.read(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

/** Whether the disk is full, or the quota of its user. */
export function isDiskFull(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown &&
    (thrown.code === "ENOSPC" || thrown.code === "EDQUOT");
}
