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
    if (info.safetyNumber === undefined) {
      throw new ExitError("usage", "That is your own account: compare with somebody else.");
    }
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
  const same = digits === undefined
    ? await askPerson(run, info)
    : onlyDigits(digits) === onlyDigits(info.safetyNumber ?? "");
  if (!same) {
    throw new ExitError(
      "trust",
      `Not verified: those are not the digits shared with ${safe(info.name, 64)}. ` +
        "Either they were read wrongly, or somebody is in between; nothing was changed.",
    );
  }
  await engine.setVerified(info.name, true);
  remark(run, `${safe(info.name, 64)} is verified.`);
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
