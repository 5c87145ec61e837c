/** The questions of the first minutes: trust, name, password, new account. */
import { isAccountName } from "../../lib/crypto/names.ts";
import { judgePassword } from "../../lib/crypto/password_strength.ts";
import { AppError, errorCodes } from "../../lib/base/errors.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { ContactFacts, Engine, Entrance } from "../engine/api.ts";
import type { Dialogue } from "./dialogue.ts";
import { errorText, safe } from "./format.ts";

/** How often a wrong password may be typed before the client gives up. */
const passwordAttempts = 3;

const isYes = (text: string) => /^y(es)?$/i.test(text.trim());

async function ask(dialogue: Dialogue, question: string, hidden = false) {
  if (!dialogue.prompting) dialogue.notice(question.trim());
  const entered = await dialogue.readLine(question, { hidden, keep: true });
  return entered.kind === "line" ? entered.text : undefined;
}

/** As `ask`; Ctrl-C ends the program, which is not in a chat yet. Throws `ExitError` (interrupted). */
async function askOrLeave(dialogue: Dialogue, question: string, hidden = false) {
  if (!dialogue.interactive) return await ask(dialogue, question, hidden);
  const entered = await dialogue.readLine(question, { hidden, keep: true });
  if (entered.kind === "interrupt") throw new ExitError("interrupted", "Ended by Ctrl-C.");
  return entered.kind === "line" ? entered.text : undefined;
}

/** Asks a person whether to trust a server that was never seen before. */
export async function askTrust(dialogue: Dialogue, facts: ContactFacts): Promise<boolean> {
  dialogue.notice([
    `First contact with ${safe(facts.host)}:${facts.port}, which calls itself "${
      safe(facts.name, 64)
    }".`,
    `Its fingerprint: ${facts.fingerprint}`,
    "Compare it with what the server's operator sees; after this it is checked by itself.",
  ].join("\n"));
  return isYes(await askOrLeave(dialogue, "Trust this server? (yes/no) ") ?? "");
}

/** Asks for a new password twice, refusing weak ones with the reason. Undefined when the person gives up. */
export async function askNewPassword(
  dialogue: Dialogue,
  options: { name: string },
): Promise<string | undefined> {
  for (;;) {
    const password = await ask(dialogue, "New password: ", true);
    if (password === undefined || password === "") return undefined;
    const verdict = judgePassword(password, options);
    if (verdict.kind === "weak") {
      dialogue.notice(verdict.reason);
      if (dialogue.interactive) continue;
      // A script wrote it twice: the second line must not be taken for anything else.
      await ask(dialogue, "The same again: ", true);
      return undefined;
    }
    const again = await ask(dialogue, "The same again: ", true);
    if (again === undefined) return undefined;
    if (again === password) return password;
    dialogue.notice("The two were different.");
    if (!dialogue.interactive) return undefined;
  }
}

type Wish = { readonly name: string; readonly intent: "either" | "register" | "login" };

/** A name as typed at the first prompt, or `/register NAME`, `/login NAME`. */
export function readWish(typed: string): Wish | undefined {
  const match = /^(?:\/(register|login)\s+)?(\S+)$/.exec(typed.trim());
  const [, verb, name] = match ?? [];
  if (name === undefined || name.startsWith("/")) return undefined;
  return { name, intent: verb === "register" || verb === "login" ? verb : "either" };
}

/** Goes through name, password or "create an account?" until an account is open. Undefined when the person leaves. */
export async function enterAccount(
  dialogue: Dialogue,
  entrance: Entrance,
  options: { name?: string; remember: boolean },
): Promise<Engine | undefined> {
  let name = options.name;
  for (;;) {
    const typed = name ?? await askOrLeave(dialogue, usernamePrompt(entrance));
    name = undefined;
    if (typed === undefined) return undefined;
    const wish = readWish(typed === "" ? entrance.lastName ?? "" : typed);
    if (wish === undefined) {
      dialogue.notice("A name, please; or /register NAME, /login NAME; Ctrl-D leaves.");
      continue;
    }
    const engine = await tryName(dialogue, entrance, { ...options, wish });
    if (engine !== "again") return engine;
    if (!dialogue.interactive) return undefined;
  }
}

function usernamePrompt(entrance: Entrance): string {
  return entrance.lastName === undefined
    ? "Username: "
    : `Username [${safe(entrance.lastName, 64)}]: `;
}

interface Attempt {
  readonly wish: Wish;
  readonly remember: boolean;
}

async function tryName(
  dialogue: Dialogue,
  entrance: Entrance,
  attempt: Attempt,
): Promise<Engine | "again" | undefined> {
  const { name, intent } = attempt.wish;
  if (!isAccountName(name)) {
    dialogue.notice(errorCodes.invalid_name.text);
    return "again";
  }
  try {
    const exists = entrance.hasProfile(name) || await entrance.check(name);
    if (exists && intent === "register") {
      dialogue.notice(errorCodes.name_taken.text);
      return "again";
    }
    if (exists) return await logIn(dialogue, entrance, attempt);
    if (intent === "login") {
      dialogue.notice(errorCodes.no_such_user.text);
      return "again";
    }
    return await create(dialogue, entrance, attempt);
  } catch (error) {
    if (!(error instanceof AppError) || !recoverable.has(error.code)) throw error;
    dialogue.notice(errorText(error));
    return "again";
  }
}

/** Refusals after which another name or another try makes sense. */
const recoverable: ReadonlySet<string> = new Set([
  "invalid_name",
  "name_taken",
  "invalid_credentials",
  "too_many_attempts",
]);

async function logIn(
  dialogue: Dialogue,
  entrance: Entrance,
  { wish, remember }: Attempt,
): Promise<Engine | "again" | undefined> {
  if (entrance.isRemembered(wish.name)) return await entrance.login({ name: wish.name, remember });
  for (let attempt = 1;; attempt++) {
    const password = await askOrLeave(dialogue, "Password: ", true);
    if (password === undefined) return undefined;
    try {
      return await entrance.login({ name: wish.name, password, remember });
    } catch (error) {
      const wrong = error instanceof AppError && error.code === "invalid_credentials";
      if (!wrong || attempt === passwordAttempts || !dialogue.interactive) throw error;
      dialogue.notice(errorText(error));
    }
  }
}

async function create(
  dialogue: Dialogue,
  entrance: Entrance,
  { wish, remember }: Attempt,
): Promise<Engine | "again" | undefined> {
  if (wish.intent === "either") {
    const create = await askOrLeave(
      dialogue,
      `There is no ${safe(wish.name, 64)} yet. Create an account? (yes/no) `,
    );
    if (create === undefined) return undefined;
    if (!isYes(create)) return "again";
  }
  const password = await askNewPassword(dialogue, { name: wish.name });
  if (password === undefined) return "again";
  return await entrance.register({ name: wish.name, password, remember });
}
