/** One-shot commands about accounts: check, register, login, users, notifications, key. */
import { AppError, errorCodes } from "../../lib/base/errors.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import { isAccountName } from "../../lib/crypto/names.ts";
import { judgePassword } from "../../lib/crypto/password_strength.ts";
import { splitAddress } from "../engine/address.ts";
import type { Engine } from "../engine/api.ts";
import { historyLine } from "../ui/archive.ts";
import { describeKey } from "../ui/describe_key.ts";
import { safetyQr } from "../ui/qr.ts";
import { targetOf } from "../ui/target.ts";
import { counted, formatNotification, formatUser, safe } from "../ui/format.ts";
import { askNewPassword } from "../ui/prompts.ts";
import {
  checkJson,
  jsonLine,
  keyJson,
  notificationJson,
  passwordJson,
  rekeyedJson,
  sessionJson,
  userJson,
} from "./json.ts";
import { historyMissing } from "./messages.ts";
import { givenPassword, password } from "./password_input.ts";
import {
  accountName,
  connectAndCatchUp,
  passwordSources,
  remark,
  type Run,
  styleOf,
  withEngine,
  withEntrance,
} from "./session.ts";

/** Tells whether an account exists: exit code 0, or 6 when it does not. One of another server needs somebody to ask there. */
export async function check(run: Run, name: string): Promise<void> {
  const elsewhere = splitAddress(name)?.server;
  const exists = elsewhere === undefined
    ? await withEntrance(run, (entrance) => entrance.check(name))
    : await withEngine(run, async (engine) => {
      await engine.start({ receive: false, keepTrying: false, signal: run.signal });
      return await engine.exists(name);
    });
  if (run.flags.json) run.world.out(jsonLine(checkJson(name, exists)));
  else if (exists) run.world.out(`${safe(name, 64)} exists`);
  if (!exists) {
    const where = elsewhere === undefined ? "on this server" : "there";
    throw new ExitError("notFound", `There is no account ${safe(name, 64)} ${where}.`);
  }
}

/** Creates an account and this device's profile of it. */
export async function register(run: Run, given: string | undefined): Promise<void> {
  await withEntrance(run, async (entrance) => {
    const name = given ?? run.flags.user;
    if (name === undefined) {
      throw new ExitError("usage", "Which name? sealpost client register NAME");
    }
    if (!isAccountName(name)) throw new AppError("invalid_name");
    const chosen = await newPassword(run, name);
    const remember = run.flags.remember ?? false;
    const engine = await entrance.register({ name, password: chosen, remember })
      .catch((error: unknown) => {
        throw isTaken(error) ? taken(name) : error;
      });
    await reportSession(run, engine, true);
  });
}

/** Whether the server says that somebody has the name; what is here already has words of its own. */
function isTaken(error: unknown): boolean {
  return error instanceof AppError && error.code === "name_taken" &&
    error.message === errorCodes.name_taken.text;
}

function taken(name: string): AppError {
  const { text } = errorCodes.name_taken;
  const login = `sealpost client login ${name}`;
  return new AppError("name_taken", {
    text: `${text}: choose another one, or ${login} if it is you`,
  });
}

/** Logs in: unlocks this machine's profile, or makes one. With `--remember` no password is needed afterwards. */
export async function login(run: Run, given: string | undefined): Promise<void> {
  await withEntrance(run, async (entrance) => {
    const name = given ?? accountName(run, entrance);
    const remember = run.flags.remember ?? false;
    const typed = await password(run.flags, {
      ...passwordSources(run),
      question: `Password of ${safe(name, 64)}: `,
    });
    await reportSession(run, await entrance.login({ name, password: typed, remember }), false);
  });
}

function newPassword(run: Run, name: string): Promise<string> {
  const { passwordFile } = run.flags;
  return chosenPassword(run, { name, passwordFile, use: "--password-file or --password-stdin" });
}

/** A new password from the file or standard input, else from the person. Weak ones are refused with the reason. */
async function chosenPassword(
  run: Run,
  { name, passwordFile, use }: {
    readonly name: string;
    readonly passwordFile: string | undefined;
    /** What could have been given. */
    readonly use: string;
  },
): Promise<string> {
  const sources = passwordSources(run);
  const { passwordFile: _, ...others } = run.flags;
  const flags = passwordFile === undefined ? others : { ...others, passwordFile };
  const given = await givenPassword(flags, sources);
  if (given !== undefined) {
    const verdict = judgePassword(given, { name });
    if (verdict.kind === "ok") return given;
    throw new ExitError("notAllowed", `The password was refused: ${verdict.reason}`);
  }
  const dialogue = run.flags.input ? sources.dialogue() : undefined;
  if (dialogue === undefined) {
    throw new ExitError("usage", `A new password is needed: use ${use}.`);
  }
  const typed = await askNewPassword(dialogue, { name });
  if (typed === undefined) throw new ExitError("interrupted", "Nothing was done.");
  return typed;
}

async function reportSession(run: Run, engine: Engine, created: boolean): Promise<void> {
  try {
    await connectAndCatchUp(run, engine);
    const history = await engine.archive.fetched(run.signal);
    if (!created && history.total > 0) remark(run, historyLine(history));
    if (!engine.archive.isHere()) remark(run, historyMissing);
    const conversations = await engine.conversations();
    const unread = conversations.reduce((sum, conversation) => sum + conversation.unread, 0);
    const notifications = (await engine.notifications({ unseen: true })).length;
    const { name, account } = engine.self;
    if (run.flags.json) {
      run.world.out(jsonLine(sessionJson({ name, account, unread, notifications, created })));
    } else {
      run.world.out(
        `${created ? "Created" : "Logged in as"} ${safe(name, 64)}: ` +
          `${counted(unread, "unread message")}, ${counted(notifications, "notification")}`,
      );
    }
  } finally {
    await engine.stop();
  }
}

/** Where the new password of `password` comes from. */
export interface NewPasswordFlags {
  readonly newPasswordFile?: string;
}

/** Changes the account's password, on all its devices. */
export async function changePassword(run: Run, flags: NewPasswordFlags): Promise<void> {
  await withEntrance(run, async (entrance) => {
    const name = accountName(run, entrance);
    const sources = passwordSources(run);
    const question = `Current password of ${safe(name, 64)}: `;
    const current = await password(run.flags, { ...sources, question });
    const remember = run.flags.remember ?? entrance.isRemembered(name);
    const engine = await entrance.login({ name, password: current, remember });
    try {
      const next = await chosenPassword(run, {
        name,
        passwordFile: flags.newPasswordFile,
        use: "--new-password-file, or --password-stdin with the current and the new one",
      });
      await engine.start({ receive: false, keepTrying: false, signal: run.signal });
      await engine.changePassword(current, next);
    } finally {
      await engine.stop();
    }
    remark(run, "The password is changed, for all devices of the account.");
    if (run.flags.json) run.world.out(jsonLine(passwordJson(name)));
  });
}

/** Locks the profile on this machine: its key is not remembered any more. */
export async function logout(run: Run, given: string | undefined): Promise<void> {
  await withEntrance(run, async (entrance) => {
    const name = given ?? accountName(run, entrance);
    if (!entrance.hasProfile(name)) {
      throw new ExitError("notFound", `There is no profile of ${safe(name, 64)} on this machine.`);
    }
    await entrance.forget(name);
    remark(run, `${safe(name, 64)} is locked: from now on its password is needed here.`);
  });
}

/** Lists accounts that are online, or all. */
export async function users(run: Run, all: boolean): Promise<void> {
  await withEngine(run, async (engine) => {
    await engine.start({ receive: false, keepTrying: false, signal: run.signal });
    for (const user of await engine.users(all ? "all" : "online")) {
      run.world.out(
        run.flags.json ? jsonLine(userJson(user)) : formatUser(user, styleOf(run)),
      );
    }
  });
}

/** Lists new notifications and marks them as seen; with `all` those seen before too. */
export async function notifications(run: Run, all: boolean): Promise<void> {
  await withEngine(run, async (engine) => {
    await engine.start({ receive: false, keepTrying: false, signal: run.signal });
    const list = await engine.notifications({ unseen: !all });
    for (const notification of list) {
      run.world.out(
        run.flags.json
          ? jsonLine(notificationJson(notification))
          : formatNotification(notification, styleOf(run)),
      );
    }
    if (list.length === 0) return remark(run, "No New Notifications");
    await engine.notificationsSeen(Math.max(...list.map(({ id }) => id)));
  });
}

/** Shows an account's key, fingerprint, safety number and verification state; with `qr` the number as a QR code too. */
export async function key(
  run: Run,
  name: string | undefined,
  { qr = false }: { readonly qr?: boolean } = {},
): Promise<void> {
  await withEngine(run, async (engine) => {
    await engine.start({ receive: false, keepTrying: false, signal: run.signal });
    const wanted = name?.replace(/^@/, "") ?? engine.self.name;
    if (wanted === "#lobby") {
      throw new AppError("not_found", { text: `${errorCodes.not_found.text}: #lobby has no key` });
    }
    const info = await engine.key(wanted);
    if (run.flags.json) return run.world.out(jsonLine(keyJson(info)));
    run.world.out(describeKey(info));
    if (!qr || info.safetyNumber === undefined) return;
    const style = { forced: run.world.outputIsTerminal };
    for (const line of await safetyQr(info.safetyNumber, style)) run.world.out(line);
  });
}

/** Makes fresh keys for a conversation; it is done when the server has taken the change. */
export async function rekey(run: Run, conversation: string): Promise<void> {
  await withEngine(run, async (engine) => {
    await connectAndCatchUp(run, engine);
    await engine.rekey(targetOf(conversation));
    remark(run, `The conversation with ${safe(conversation, 64)} has fresh keys.`);
    if (run.flags.json) run.world.out(jsonLine(rekeyedJson(conversation)));
  });
}
