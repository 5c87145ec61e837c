/** The operator's commands about accounts and invitations: what they ask, and what they print. */
import { exitCodes, ExitError } from "../../lib/base/exit_codes.ts";
import { typedLine } from "../../lib/base/json_line.ts";
import { sanitizeLine } from "../../lib/base/sanitize.ts";
import type { AccountRow, InviteRow } from "../operations/contract.ts";
import { RunningServer } from "./ask.ts";
import { sizeText } from "./text.ts";

/** A command about accounts. */
export type UserCommand =
  & { readonly kind: "user"; readonly json: boolean }
  & (
    | { readonly action: "list" }
    | { readonly action: "disable" | "enable"; readonly name: string }
    /** `sure`: nobody is asked any more. */
    | { readonly action: "delete"; readonly name: string; readonly sure: boolean }
  );

/** A command about invitations. */
export type InviteCommand =
  & { readonly kind: "invite"; readonly json: boolean }
  & (
    | {
      readonly action: "make";
      readonly note: string;
      readonly uses: number;
      readonly days: number;
    }
    | { readonly action: "list" }
    | { readonly action: "revoke"; readonly id: string }
  );

/** Where a command runs. */
export interface AccountWorld {
  readonly folder: string;
  /** Asks the person at the terminal; undefined when there is nobody to ask. */
  readonly ask: (question: string) => string | undefined;
  readonly print: (line: string) => void;
}

/** Accounts asked for at a time. */
const page = 200;

/** Runs a command about accounts; returns the exit code. Throws `ExitError`. */
export async function runUserCommand(command: UserCommand, world: AccountWorld): Promise<number> {
  using server = await RunningServer.connect(world.folder);
  if (command.action === "list") {
    let after: string | undefined;
    for (;;) {
      const answer = await server.ask("user.list", { limit: page, ...withAfter(after) });
      for (const user of answer.users) world.print(userLine(user, command.json));
      after = answer.users.at(-1)?.name;
      if (!answer.more || after === undefined) return exitCodes.done;
    }
  }
  if (command.action === "delete") return await deleteUser(command, { server, world });
  const { name } = command;
  const disabled = command.action === "disable";
  await server.ask("user.disable", { name, disabled });
  world.print(
    command.json
      ? typedLine("user_changed", { name, disabled })
      : disabled
      ? `${
        sanitizeLine(name, 64)
      } is disabled: its sessions have ended, and it can neither log in nor be written to.`
      : `${sanitizeLine(name, 64)} is enabled again.`,
  );
  return exitCodes.done;
}

async function deleteUser(
  { name, sure, json }: UserCommand & { readonly action: "delete" },
  { server, world }: { readonly server: RunningServer; readonly world: AccountWorld },
): Promise<number> {
  const shown = sanitizeLine(name, 64);
  if (!sure) refuseUnsure(shown, world);
  const done = await server.ask("user.delete", { name });
  world.print(
    json
      ? typedLine("user_deleted", done)
      : `${shown} is deleted: it was in ${count(done.groups, "group")} and ${
        count(done.direct, "conversation")
      }, and ${count(done.files, "file")} went with it. The name stays taken.`,
  );
  return exitCodes.done;
}

/** Throws `ExitError` unless the person at the terminal types the name. */
function refuseUnsure(name: string, { ask }: AccountWorld): void {
  const typed = ask(
    `This deletes the account ${name} for good, with its keys, archive and files. It leaves its groups; what it ` +
      `wrote stays with those who have it, and nobody can have the name again. Type ${name} to go on:`,
  );
  if (typed === undefined) {
    throw new ExitError("usage", "there is nobody to ask here: say --yes to delete without asking");
  }
  if (typed.trim() !== name) throw new ExitError("failed", "nothing was deleted");
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? "" : "s"}`;

const withAfter = (after: string | undefined) => after === undefined ? {} : { after };

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);

function userLine(user: AccountRow, json: boolean): string {
  if (json) return typedLine("account", user);
  const seen = user.online
    ? "online"
    : user.lastSeen === null
    ? "never seen"
    : `last seen ${day(user.lastSeen)}`;
  const marks = [
    user.deletedAt !== null
      ? `DELETED on ${day(user.deletedAt)}`
      : user.disabled
      ? "DISABLED"
      : seen,
    `since ${day(user.createdAt)}`,
    `${user.devices} device${user.devices === 1 ? "" : "s"}`,
    ...(user.queuedBytes > 0 ? [`${sizeText(user.queuedBytes)} waiting`] : []),
  ];
  return `${user.name.padEnd(32)} ${marks.join(", ")}`;
}

/** Runs a command about invitations; returns the exit code. Throws `ExitError`. */
export async function runInviteCommand(
  command: InviteCommand,
  world: AccountWorld,
): Promise<number> {
  using server = await RunningServer.connect(world.folder);
  switch (command.action) {
    case "make": {
      const { note, uses, days } = command;
      const made = await server.ask("invite.make", { note, uses, days });
      if (command.json) world.print(typedLine("invite", made));
      else {
        world.print(made.link);
        if (!made.needed) {
          world.print("(Registration is open: the link works without being used up.)");
        }
      }
      return exitCodes.done;
    }
    case "list": {
      const { invites } = await server.ask("invite.list", {});
      for (const invite of invites) world.print(inviteLine(invite, command.json));
      if (invites.length === 0 && !command.json) world.print("No invitation is open.");
      return exitCodes.done;
    }
    case "revoke":
      await server.ask("invite.revoke", { id: command.id });
      world.print(
        command.json
          ? typedLine("invite_revoked", { id: command.id })
          : "The invitation is withdrawn.",
      );
      return exitCodes.done;
  }
}

function inviteLine(invite: InviteRow, json: boolean): string {
  if (json) return typedLine("invite", invite);
  const uses = `${invite.left} use${invite.left === 1 ? "" : "s"} left`;
  return `${invite.id}  ${uses}, until ${day(invite.expiresAt)}  ${sanitizeLine(invite.note, 64)}`
    .trimEnd();
}
