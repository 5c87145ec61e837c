/** One-shot `verify`: comparing a contact's safety number, by a person or with digits that came by another way. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { Engine, KeyInfo } from "../engine/api.ts";
import { describeKey } from "../ui/describe_key.ts";
import { safe } from "../ui/format.ts";
import { jsonLine, keyJson } from "./json.ts";
import { remark, type Run, withEngine } from "./session.ts";

/** How the comparison is done. */
export interface VerifyFlags {
  /** The 60 digits as the other side reads them; spaces do not count. */
  readonly digits?: string;
  /** Takes an earlier verification back. */
  readonly undo?: boolean;
}

/**
 * Marks a contact as verified when the digits are the safety number's (exit code 5 when they are not), or when a person at
 * the terminal says so; with `undo` takes it back.
 */
export async function verifyContact(run: Run, name: string, flags: VerifyFlags): Promise<void> {
  await withEngine(run, async (engine) => {
    await engine.start({ receive: false, keepTrying: false, signal: run.signal });
    const info = await engine.key(name.replace(/^@/, ""));
    if (info.safetyNumber === undefined) throw ownAccount();
    if (flags.undo === true) await engine.setVerified(info.name, false);
    else await compare(run, engine, { info, digits: flags.digits });
    if (run.flags.json) run.world.out(jsonLine(keyJson(await engine.key(info.name))));
  });
}

async function compare(
  run: Run,
  engine: Engine,
  { info, digits }: { readonly info: KeyInfo; readonly digits: string | undefined },
): Promise<void> {
  if (digits !== undefined) checkDigits(info, digits);
  else if (!await askPerson(run, info)) throw different(info);
  await engine.setVerified(info.name, true);
  remark(run, `${safe(info.name, 64)} is verified.`);
}

/** Digits of a safety number. */
const length = 60;

/**
 * Compares digits that came by another way with the safety number. Throws `ExitError`: `usage` for what is no safety
 * number at all, `trust` for another one.
 */
export function checkDigits(info: Pick<KeyInfo, "name" | "safetyNumber">, digits: string): void {
  if (info.safetyNumber === undefined) throw ownAccount();
  const given = onlyDigits(digits);
  if (!/^\d*$/.test(given) || given.length !== length) {
    const got = /^\d*$/.test(given)
      ? `these are ${given.length}`
      : "there is something else among them";
    throw new ExitError(
      "usage",
      `A safety number has ${length} digits, and ${got}: give all of them, spaces do not count.`,
    );
  }
  if (given !== onlyDigits(info.safetyNumber)) throw different(info);
}

function different({ name }: Pick<KeyInfo, "name">): ExitError {
  return new ExitError(
    "trust",
    `Not verified: those are not the digits shared with ${safe(name, 64)}. ` +
      "Either they were read wrongly, or somebody is in between; nothing was changed.",
  );
}

function ownAccount(): ExitError {
  return new ExitError("usage", "That is your own account: compare with somebody else.");
}

const onlyDigits = (text: string) => text.replaceAll(/[\s-]/g, "");

async function askPerson(run: Run, info: KeyInfo): Promise<boolean> {
  const dialogue = run.flags.input ? run.world.dialogue() : undefined;
  if (dialogue === undefined) {
    throw new ExitError("usage", "Give the digits that the other side reads: --digits '12345 ...'");
  }
  dialogue.notice(describeKey(info));
  const question = `Did ${
    safe(info.name, 64)
  } read you these same 60 digits by another way? (yes/no) `;
  const entered = await dialogue.readLine(question, { keep: true });
  if (entered.kind !== "line") throw new ExitError("interrupted", "Nothing was changed.");
  return /^y(es)?$/i.test(entered.text.trim());
}
