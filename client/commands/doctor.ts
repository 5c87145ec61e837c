/** `client doctor`: looks at everything that has to be right, in the order in which it is needed, and says what to do. */
import { AppError } from "../../lib/base/errors.ts";
import { exitCodes, ExitError } from "../../lib/base/exit_codes.ts";
import { clientLimits } from "../../lib/base/limits.ts";
import { version } from "../../lib/base/version.ts";
import type { Engine, Entrance } from "../engine/api.ts";
import { counted, errorText, formatTime, safe } from "../ui/format.ts";
import { failureOf } from "./failure.ts";
import type { Finding } from "./finding.ts";
import { findingJson, jsonLine } from "./json.ts";
import { password } from "./password_input.ts";
import { accountName, passwordSources, type Run, withEntrance } from "./session.ts";

type Tell = (finding: Finding) => void;

/** Looks at everything and prints what it finds. Throws `ExitError` with the first failure's exit code. */
export async function doctor(run: Run): Promise<void> {
  const findings: Finding[] = [];
  const tell: Tell = (finding) => {
    findings.push(finding);
    if (run.flags.json) return run.world.out(jsonLine(findingJson(finding)));
    run.world.out(`${finding.level.padEnd(4)}  ${finding.check.padEnd(9)}  ${finding.text}`);
    if (finding.advice !== undefined) run.world.out(`                 -> ${finding.advice}`);
  };
  lookAtFolder(run.world.clientFolder(run.flags.home), tell);
  await lookFurther(run, tell);
  const failed = findings.filter(({ level }) => level === "fail");
  const [first] = failed;
  if (first === undefined) return;
  const reason = Object.entries(exitCodes).find(([, code]) => code === first.exit)?.[0];
  throw new ExitError(
    (reason ?? "failed") as keyof typeof exitCodes,
    `${counted(failed.length, "check")} failed: ${failed.map(({ check }) => check).join(", ")}.`,
  );
}

/** What a check that threw has found. */
function failed(check: Finding["check"], error: unknown, advice?: string): Finding {
  const { message, exit } = failureOf(error);
  const more = advice === undefined ? {} : { advice };
  return { check, level: "fail", text: errorText(new Error(message)), exit, ...more };
}

function lookAtFolder(folder: string, tell: Tell): void {
  const name = safe(folder, 500);
  try {
    const open = openEntries(folder);
    if (open.length === 0) return tell({ check: "folder", level: "ok", text: name });
    tell({
      check: "folder",
      level: "warn",
      text: `others on this machine can read ${safe(open[0] ?? "", 500)}` +
        (open.length > 1 ? ` and ${open.length - 1} more` : ""),
      advice: `chmod -R go-rwx '${name}'`,
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return tell({
        check: "folder",
        level: "warn",
        text: `${name} does not exist yet`,
        advice: "sealpost client HOST PORT, or sealpost client register NAME --server HOST:PORT",
      });
    }
    tell({
      check: "folder",
      level: "fail",
      text: `${name} cannot be read: ${errorText(error)}`,
      advice: "check its owner and permissions, or choose another with --home",
      exit: exitCodes.localData,
    });
  }
}

/** The folder, its folders, and their files that group or others may read or write. */
function openEntries(folder: string): string[] {
  if (Deno.build.os === "windows") return [];
  const { mode, isDirectory, isSymlink } = Deno.lstatSync(folder);
  const own = !isSymlink && mode !== null && (mode & 0o077) !== 0 ? [folder] : [];
  if (!isDirectory) return own;
  const inside = [...Deno.readDirSync(folder)].flatMap(({ name }) =>
    openEntries(`${folder}/${name}`)
  );
  return [...own, ...inside];
}

async function lookFurther(run: Run, tell: Tell): Promise<void> {
  try {
    await withEntrance(run, async (entrance) => {
      const engine = await unlocked(run, entrance, tell);
      if (engine === undefined) return;
      try {
        await lookOnline(run, engine, tell);
      } finally {
        await engine.stop({ drainMs: 0 });
      }
    });
  } catch (error) {
    // No server known, nobody there at first contact, or not the one of the link.
    const check = error instanceof ExitError && error.reason === "usage" ? "account" : "server";
    tell(failed(check, error));
  }
}

/** The account's engine; undefined when the profile does not open, which is told. */
async function unlocked(run: Run, entrance: Entrance, tell: Tell): Promise<Engine | undefined> {
  const name = accountName(run, entrance);
  const shown = safe(name, 64);
  if (!entrance.hasProfile(name)) {
    const text = `there is no profile of ${shown} on this machine`;
    const advice = `sealpost client login ${shown} --remember`;
    tell({ check: "profile", level: "fail", text, advice, exit: exitCodes.notFound });
    return undefined;
  }
  tell({ check: "account", level: "ok", text: `${shown}, with sealpost ${version}` });
  const given = run.flags.passwordFile !== undefined || run.flags.passwordStdin === true ||
    (run.flags.input && run.world.inputIsTerminal);
  const remembered = entrance.isRemembered(name);
  if (!remembered && !given) {
    const text = "locked, and not looked into; nor is what needs it";
    const advice = "--password-file FILE, or once: sealpost client login --remember";
    tell({ check: "profile", level: "skip", text, advice });
    return undefined;
  }
  try {
    const engine = await open(run, entrance, { name, remembered });
    tell({ check: "profile", level: "ok", text: `opens: ${safe(engine.self.profile, 500)}` });
    return engine;
  } catch (error) {
    tell(failed("profile", error));
    return undefined;
  }
}

async function open(
  run: Run,
  entrance: Entrance,
  { name, remembered }: { readonly name: string; readonly remembered: boolean },
): Promise<Engine> {
  const remember = run.flags.remember ?? false;
  if (remembered) return await entrance.login({ name, remember });
  const question = `Password of ${safe(name, 64)}: `;
  const typed = await password(run.flags, { ...passwordSources(run), question });
  return await entrance.login({ name, password: typed, remember });
}

async function lookOnline(run: Run, engine: Engine, tell: Tell): Promise<void> {
  const { host, port } = engine.self.server;
  try {
    await engine.start({ receive: false, keepTrying: false, signal: run.signal });
  } catch (error) {
    return tell(connectionFailure(error));
  }
  tell({
    check: "server",
    level: "ok",
    text: `${safe(host)}:${port} answers, and knows this device`,
  });
  tell({ check: "identity", level: "ok", text: `it is ${engine.self.serverFingerprint}` });
  lookAtClock(engine, tell);
  await lookAtDirectory(run, engine, tell);
}

function connectionFailure(error: unknown): Finding {
  const code = error instanceof AppError ? error.code : "internal";
  const untrusted = code === "tampered" || code === "invalid_certificate";
  return untrusted
    ? failed("identity", error, "send nothing before the operator has told you why")
    : failed("server", error);
}

function lookAtClock(engine: Engine, tell: Tell): void {
  const state = engine.connection();
  if (state.kind !== "online") return;
  const off = Math.abs(state.aheadMs);
  const apart = counted(Math.round(off / 1000), "second");
  if (off < clientLimits.clockWarnMs) {
    return tell({ check: "clock", level: "ok", text: `${apart} apart from the server's` });
  }
  const text = `this machine is ${apart} ${state.aheadMs > 0 ? "behind" : "ahead of"} the server`;
  const advice = "set one of the two clocks (timedatectl set-ntp true)";
  if (off < clientLimits.clockFailMs) return tell({ check: "clock", level: "warn", text, advice });
  tell({ check: "clock", level: "fail", text, advice, exit: exitCodes.failed });
}

/** The own key with its proof: the log must go on from where this device saw it last. */
async function lookAtDirectory(run: Run, engine: Engine, tell: Tell): Promise<void> {
  try {
    const { logSize } = await engine.key(engine.self.name);
    const { alarms } = engine.directory.state();
    const last = alarms.at(-1);
    if (last === undefined) {
      const text = `consistent: ${logSize} ${logSize === 1 ? "entry" : "entries"}`;
      return tell({ check: "directory", level: "ok", text });
    }
    tell({
      check: "directory",
      level: "fail",
      text: `${formatTime(last.at, run.flags.utc ?? false)} ${safe(last.text, 300)}`,
      advice: "sealpost client directory shows all of it; ask the operator by another way",
      exit: exitCodes.trust,
    });
  } catch (error) {
    tell(failed("directory", error));
  }
}
