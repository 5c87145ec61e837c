/** `sealpost verify FILE`: checks signed receipts offline, one per line, and says who said what. */
import { Command } from "commander";
import { ExitError } from "../../lib/base/exit_codes.ts";
import { type ReceiptFacts, type ReceiptVerdict, verifyReceipt } from "../engine/receipt.ts";
import { jsonLine } from "./json.ts";
import { counted, formatTime, safe, safeBody } from "../ui/format.ts";

/** Larger files are no exports of this program; in bytes. */
const maxFileBytes = 1024 * 1024 * 1024;

interface VerifyFlags {
  readonly json?: boolean;
  readonly utc?: boolean;
}

/** The grammar; `act` gets the file and the flags. */
export function verifyProgram(act: (file: string, flags: VerifyFlags) => void): Command {
  return new Command("sealpost verify")
    .description("Check signed receipts (client export --signed) without any server or account.")
    .argument("<FILE>", "a file with one receipt per line")
    .option("--json", "one JSON object per receipt on standard output")
    .option("--utc", "times in UTC instead of the local time zone")
    .action((file: string, flags: VerifyFlags) => act(file, flags));
}

/** Checks every receipt of `file` and prints what holds. Throws an `ExitError` unless all of them do. */
export function verifyFile(
  file: string,
  options: VerifyFlags & { readonly out: (line: string) => void },
): void {
  const receipts = readText(file).split("\n").filter((line) => line.trim() !== "");
  if (receipts.length === 0) throw new ExitError("failed", `${safe(file)} holds no receipt.`);
  const verdicts = receipts.map((receipt) => verifyReceipt(receipt));
  verdicts.forEach((verdict, index) => {
    options.out(options.json ? verdictJson(verdict) : verdictLine(verdict, { ...options, index }));
  });
  const facts = verdicts.flatMap((verdict) => verdict.kind === "valid" ? [verdict.facts] : []);
  if (options.json !== true) whose(facts).forEach(options.out);
  if (facts.length < verdicts.length) {
    const bad = verdicts.length - facts.length;
    throw new ExitError(
      "failed",
      `${bad} of ${counted(verdicts.length, "receipt")} prove nothing.`,
    );
  }
}

function verdictLine(
  verdict: ReceiptVerdict,
  { index, utc }: VerifyFlags & { readonly index: number },
): string {
  if (verdict.kind === "invalid") return `INVALID  receipt ${index + 1}: ${safe(verdict.reason)}`;
  const { from, text, sentAt, kind } = verdict.facts;
  const style = { utc: utc ?? false, styled: false, multiline: false };
  const where = kind === "lobby" ? " (in the lobby)" : "";
  return `valid    ${formatTime(sentAt, style.utc)} ${safe(from, 64)}${where}: ${
    safeBody(text, style)
  }`;
}

function verdictJson(verdict: ReceiptVerdict): string {
  const facts = verdict.kind === "valid" ? verdict.facts : { reason: verdict.reason };
  const { kind: where, ...rest } = { kind: undefined, ...facts };
  const place = where === undefined ? {} : { where };
  return jsonLine({
    v: 1,
    type: "verdict",
    valid: verdict.kind === "valid",
    ...place,
    ...rest,
  });
}

/** The keys that it all rests on, once each, for a person to compare. */
function whose(facts: readonly ReceiptFacts[]): string[] {
  const lines = facts.flatMap(({ from, accountFingerprint, serverFingerprint }) => [
    `key of ${safe(from, 64)}: ${accountFingerprint}`,
    `server: ${serverFingerprint}`,
  ]);
  return [...new Set(lines)].sort();
}

function readText(file: string): string {
  try {
    if (Deno.statSync(file).size <= maxFileBytes) return Deno.readTextFileSync(file);
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound;
    const why = missing ? "there is no such file" : "it cannot be read";
    throw new ExitError(missing ? "notFound" : "failed", `${safe(file)}: ${why}.`, {
      cause: error,
    });
  }
  throw new ExitError("failed", `${safe(file)} is too large to be an export of receipts.`);
}
