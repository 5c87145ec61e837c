/** `sealpost server doctor`: looks at everything that a server needs, in the order in which it is needed, and says what to do. */
import { exitCodes } from "../lib/base/exit_codes.ts";
import { typedLine } from "../lib/base/json_line.ts";
import { sanitizeLine } from "../lib/base/sanitize.ts";
import { type DoctorWorld, serverChecks } from "./doctor_checks.ts";
import type { Finding } from "./doctor_finding.ts";

/** Looks at everything and prints what it finds; returns 0, or the exit code of the first thing that fails. */
export async function runDoctor(
  world: DoctorWorld & { readonly json: boolean; readonly print: (line: string) => void },
): Promise<number> {
  const exits: number[] = [];
  for (const check of serverChecks) {
    for (const finding of await looked(check, world)) {
      if (finding.level === "fail") exits.push(finding.exit ?? exitCodes.failed);
      for (const line of lines(finding, world.json)) world.print(line);
    }
  }
  return exits[0] ?? exitCodes.done;
}

/** A check that cannot be made is no reason to leave the others out. */
async function looked(
  check: typeof serverChecks[number],
  world: DoctorWorld,
): Promise<readonly Finding[]> {
  try {
    return await check.look(world);
  } catch (thrown) {
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    const first = text.replace(/\s*\n[^]*/, "");
    return [{ check: check.name, level: "fail", text: first, exit: exitCodes.failed }];
  }
}

function lines(finding: Finding, json: boolean): string[] {
  if (json) return [typedLine("finding", finding)];
  const { check, level, text, advice } = finding;
  return [
    `${level.padEnd(4)}  ${check.padEnd(11)}  ${sanitizeLine(text, 500)}`,
    ...advice === undefined ? [] : [`${" ".repeat(19)}-> ${sanitizeLine(advice, 500)}`],
  ];
}
