/** One-shot `directory`: what the server showed of its directory, and a person's word that it may begin anew. */
import { AppError } from "../../lib/base/errors.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { Engine } from "../engine/api.ts";
import { formatTime, safe } from "../ui/format.ts";
import { directoryJson, jsonLine } from "./json.ts";
import { remark, type Run, styleOf, withEngine } from "./session.ts";

/** Shows what is known of the directory's log, with `--json` also the signed checkpoints that are evidence. Works offline. */
export async function showDirectory(run: Run): Promise<void> {
  // deno-lint-ignore require-await -- a profile is opened and closed around it
  await withEngine(run, async (engine) => show(run, engine));
}

function show(run: Run, engine: Engine): void {
  const state = engine.directory.state();
  if (run.flags.json) return run.world.out(jsonLine(directoryJson(state)));
  const size = state.size === undefined ? "not seen yet" : `${state.size} entries`;
  run.world.out(`directory    ${size}`);
  for (const line of (state.checkpoint ?? "").trimEnd().split("\n")) {
    if (line !== "") run.world.out(`             ${safe(line)}`);
  }
  for (const { at, text } of state.alarms) {
    run.world.out(`! ${formatTime(at, styleOf(run).utc)} ${safe(text, 500)}`);
  }
  if (state.alarms.length === 0) run.world.out("alarms       none");
}

/**
 * Accepts the log that the server shows now, after a person has said so: with `yes`, or at the terminal. Pinned keys stay.
 * Exit code 5 when nobody says so, or when that log does not hold either.
 */
export async function trustDirectory(run: Run, { yes = false }: { yes?: boolean }): Promise<void> {
  await withEngine(run, async (engine) => {
    if (!yes && !await askPerson(run, engine)) {
      throw new ExitError("trust", "Nothing was changed.");
    }
    await engine.start({ receive: false, keepTrying: false, signal: run.signal });
    const { before, now } = await begin(run, engine);
    remark(
      run,
      `The directory begins anew: ${now} entries, before ${before}. Keys that you knew stay as they were.`,
    );
    if (run.flags.json) run.world.out(jsonLine(directoryJson(engine.directory.state())));
  });
}

async function begin(run: Run, engine: Engine) {
  try {
    return await engine.directory.beginAnew(run.signal);
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== "tampered") throw thrown;
    throw new ExitError("trust", thrown.message, { cause: thrown });
  }
}

async function askPerson(run: Run, engine: Engine): Promise<boolean> {
  const dialogue = run.flags.input ? run.world.dialogue() : undefined;
  if (dialogue === undefined) {
    throw new ExitError("trust", "Only a person can say that: give --yes, or ask at a terminal.");
  }
  const { alarms } = engine.directory.state();
  dialogue.notice([
    ...alarms.map(({ text }) => `! ${safe(text, 500)}`),
    "A server that lies about keys looks exactly like one that was put back to an old backup.",
    "Accept this only when its operator told you so by another way than this server.",
  ].join("\n"));
  const entered = await dialogue.readLine("Was a backup put back? (yes/no) ", { keep: true });
  return entered.kind === "line" && /^y(es)?$/i.test(entered.text.trim());
}
