/** One-shot commands about groups, requests and blocked accounts. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { GroupInfo } from "../engine/api_groups.ts";
import { formatTime, safe } from "../ui/format.ts";
import {
  actOnGroup,
  type GroupAction,
  groupLine,
  GroupUsageError,
  memberLines,
} from "../ui/group_words.ts";
import { blockedJson, groupJson, jsonLine, memberJson } from "./json.ts";
import { connectAndCatchUp, remark, type Run, withEngine } from "./session.ts";

/** Creates, changes, lists and leaves groups. */
export async function group(
  run: Run,
  asked: {
    readonly action: GroupAction;
    readonly words: readonly string[];
    readonly owner: boolean;
  },
): Promise<void> {
  await withEngine(run, async (engine) => {
    await connectAndCatchUp(run, engine);
    const outcome = await actOnGroup(engine, asked).catch((error: unknown) => {
      if (!(error instanceof GroupUsageError)) throw error;
      throw new ExitError("usage", error.message.replace("Usage: ", "Usage: sealpost client "));
    });
    for (const line of outcome.said) remark(run, line);
    for (const one of outcome.groups) print(run, one, outcome.asked);
    if (outcome.asked === "groups" && outcome.groups.length === 0) remark(run, "No groups yet.");
  });
}

function print(run: Run, one: GroupInfo, asked: "groups" | "members" | "nothing"): void {
  const { out } = run.world;
  if (run.flags.json && asked === "members") {
    return one.members.forEach((member) => out(jsonLine(memberJson(one, member))));
  }
  if (run.flags.json) return out(jsonLine(groupJson(one)));
  if (asked === "groups") return out(groupLine(one));
  if (asked === "members") memberLines(one).forEach((line) => out(line));
}

/** Blocks an account, or ends that. */
export async function block(run: Run, name: string, on: boolean): Promise<void> {
  await withEngine(run, async (engine) => {
    await engine.start({ receive: false, keepTrying: false, signal: run.signal });
    const who = on ? await engine.requests.block(name) : await engine.requests.unblock(name);
    remark(run, `${safe(who, 64)} is ${on ? "blocked" : "not blocked any more"}.`);
  });
}

/** Lists the accounts that are blocked. */
export async function blocked(run: Run): Promise<void> {
  await withEngine(run, async (engine) => {
    await engine.start({ receive: false, keepTrying: false, signal: run.signal });
    const list = await engine.requests.blocked();
    for (const one of list) {
      const since = formatTime(one.since, run.flags.utc ?? false);
      run.world.out(
        run.flags.json ? jsonLine(blockedJson(one)) : `${safe(one.name, 64)}  since ${since}`,
      );
    }
    if (list.length === 0) remark(run, "Nobody is blocked.");
  });
}
