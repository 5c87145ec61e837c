/** One-shot commands about files: send, list, get, decline. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { Engine } from "../engine/api.ts";
import type { FileInfo, FileProgress, SavePlace } from "../engine/api_files.ts";
import { fileBy, formatFile, formatUnfinished } from "../ui/file_format.ts";
import { safe } from "../ui/format.ts";
import { progressLine, Rate, Tenths } from "../ui/progress.ts";
import { targetOf } from "../ui/target.ts";
import { fileJson, jsonLine } from "./json.ts";
import { refusal } from "./messages.ts";
import { connectAndCatchUp, remark, type Run, styleOf, withEngine } from "./session.ts";

/** A bar is painted at most so often, in milliseconds. */
const repaintMs = 100;

/** Flags of `file`. */
export interface FileFlags {
  readonly output?: string;
}

/** What `file` can do. */
export const fileActs = ["send", "list", "get", "decline"] as const;

/** Runs `file ACTION WORDS`. */
export async function file(
  run: Run,
  { act, words, flags }: {
    readonly act: typeof fileActs[number];
    readonly words: readonly string[];
    readonly flags: FileFlags;
  },
): Promise<void> {
  const [first, second, ...more] = words;
  if (more.length > 0) throw usage();
  if (flags.output !== undefined && act !== "get") throw usage();
  switch (act) {
    case "send":
      if (first === undefined || second === undefined) throw usage();
      return await send(run, first, second);
    case "list":
      if (second !== undefined) throw usage();
      return await list(run, first);
    case "get":
      if (first === undefined || second !== undefined) throw usage();
      return await get(run, first, flags.output);
    case "decline":
      if (first === undefined || second !== undefined) throw usage();
      return await decline(run, first);
  }
}

function usage(): ExitError {
  return new ExitError(
    "usage",
    "Usage: sealpost client file send TO PATH | file list [CONVERSATION] | file get ID [-o PATH] | file decline ID",
  );
}

const choices = (run: Run) => run.world.fileChoices(run.flags.home);

const typesOf = ({ types }: { readonly types?: string }) => types === undefined ? {} : { types };

async function send(run: Run, to: string, path: string): Promise<void> {
  const target = targetOf(to);
  const own = choices(run);
  await withEngine(run, async (engine) => {
    await engine.start({ receive: false, keepTrying: false, signal: run.signal });
    const name = safe(path.split(/[/\\]/).at(-1) ?? path);
    const { id } = await watched(
      run,
      name,
      (onProgress) =>
        engine.files.send({ target, path }, { onProgress, signal: run.signal, ...typesOf(own) }),
    );
    const message = await engine.waitFor(id, "sent", run.signal);
    if (message.state === "failed") {
      throw await refusal(engine, message);
    }
    const info = (await engine.files.list()).find((one) => one.id === id);
    if (info !== undefined) print(run, info);
  });
}

async function list(run: Run, conversation: string | undefined): Promise<void> {
  await withEngine(run, async (engine) => {
    await connectAndCatchUp(run, engine);
    const target = conversation === undefined ? undefined : targetOf(conversation);
    const files = await engine.files.list(target);
    for (const one of files) print(run, one);
    for (const upload of await engine.files.unfinished()) remark(run, formatUnfinished(upload));
    if (files.length === 0) remark(run, "No files yet");
  });
}

async function get(run: Run, word: string, output: string | undefined): Promise<void> {
  const own = choices(run);
  await withEngine(run, async (engine) => {
    await connectAndCatchUp(run, engine);
    const { id, name } = fileBy(word, await engine.files.list());
    const place = await placeFor(own.folder, output);
    const { info, path } = await watched(
      run,
      safe(name),
      (onProgress) =>
        engine.files.get({ id, place }, { onProgress, signal: run.signal, ...typesOf(own) }),
    );
    if (run.flags.json) run.world.out(jsonLine(fileJson(info)));
    else run.world.out(path);
  });
}

/** The download folder is made when it is not there; a place that somebody names has to be. */
export async function placeFor(folder: string, output: string | undefined): Promise<SavePlace> {
  if (output !== undefined) return { kind: "file", path: output };
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ExitError("localData", `${folder} cannot be made: choose another place with -o`, {
      cause,
    });
  }
  return { kind: "folder", path: folder };
}

async function decline(run: Run, word: string): Promise<void> {
  await withEngine(run, async (engine: Engine) => {
    await connectAndCatchUp(run, engine);
    const { id } = fileBy(word, await engine.files.list());
    await engine.files.decline(id);
    if (!run.flags.json) return remark(run, "Declined.");
    run.world.out(jsonLine(fileJson(fileBy(id, await engine.files.list()))));
  });
}

function print(run: Run, info: FileInfo): void {
  run.world.out(run.flags.json ? jsonLine(fileJson(info)) : formatFile(info, styleOf(run)));
}

/** Shows how far it is: a bar on a terminal, else a line for every tenth; nothing with `--quiet`. */
async function watched<T>(
  run: Run,
  name: string,
  work: (onProgress: (progress: FileProgress) => void) => Promise<T>,
): Promise<T> {
  if (run.flags.quiet === true) return await work(() => undefined);
  const terminal = run.world.errorTerminal();
  if (terminal === undefined) {
    const tenths = new Tenths();
    return await work((progress) => {
      const percent = tenths.next(progress);
      if (percent !== undefined) run.world.err(`${name} ${percent} %`);
    });
  }
  const rate = new Rate();
  let paintedAt = -Infinity;
  try {
    return await work((progress) => {
      const at = run.world.clock.monotonic();
      const bytesPerSecond = rate.add(at, progress.done);
      if (at - paintedAt < repaintMs && progress.done < progress.total) return;
      paintedAt = at;
      const { columns } = terminal;
      terminal.write(`\r\x1b[K${progressLine(progress, { name, bytesPerSecond, columns })}`);
    });
  } finally {
    if (paintedAt > 0) terminal.write("\n");
  }
}
