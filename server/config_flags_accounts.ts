/** The command line of `sealpost server user ...` and `sealpost server invite ...`. */
import { type Command, InvalidArgumentError } from "commander";
import type { InviteCommand, UserCommand } from "./admin/account_commands.ts";

/** Flags that say whose server, and how to answer. */
export interface PlaceFlags {
  readonly json?: true;
  readonly data?: string;
  readonly home?: string;
}

type Tell = (command: UserCommand | InviteCommand, flags: PlaceFlags) => void;

/** Adds the commands about accounts and invitations; `place` adds the common flags, `tell` hears what was asked. */
export function describeAccounts(
  program: Command,
  { place, tell }: { readonly place: (command: Command) => Command; readonly tell: Tell },
): void {
  const user = program.command("user").description("the accounts of this server");
  place(user.command("list").description("list every account"))
    .action((flags: PlaceFlags) =>
      tell({ kind: "user", action: "list", json: flags.json === true }, flags)
    );
  for (const action of ["disable", "enable"] as const) {
    place(user.command(action).description(userTexts[action]).argument("<name>"))
      .action((name: string, flags: PlaceFlags) =>
        tell({ kind: "user", action, name, json: flags.json === true }, flags)
      );
  }
  place(user.command("delete").description(userTexts.delete).argument("<name>"))
    .option("--yes", "do not ask")
    .action((name: string, { yes, ...flags }: PlaceFlags & { readonly yes?: true }) => {
      const json = flags.json === true;
      tell({ kind: "user", action: "delete", name, sure: yes === true, json }, flags);
    });
  describeInvite(program, { place, tell });
}

const userTexts = {
  disable: "end an account's sessions and keep it out; what it has stays",
  enable: "let a disabled account in again",
  delete: "delete an account for good; its name stays taken, what others have stays theirs",
} as const;

interface MakeFlags extends PlaceFlags {
  readonly uses: number;
  readonly days: number;
  readonly note: string;
}

function describeInvite(
  program: Command,
  { place, tell }: { readonly place: (command: Command) => Command; readonly tell: Tell },
): void {
  const invite = program.command("invite").description("links with which accounts can be made");
  place(invite.command("make", { isDefault: true }).description("make a link and print it"))
    .option("--uses <count>", "accounts that can be made with it", upTo(10_000), 1)
    .option("--days <count>", "days until it expires", upTo(365), 7)
    .option("--note <text>", "for whom it is, for the list", "")
    .action(({ uses, days, note, ...flags }: MakeFlags) =>
      tell({ kind: "invite", action: "make", uses, days, note, json: flags.json === true }, flags)
    );
  place(invite.command("list").description("list invitations that can still be used"))
    .action((flags: PlaceFlags) =>
      tell({ kind: "invite", action: "list", json: flags.json === true }, flags)
    );
  place(invite.command("revoke").description("withdraw an invitation").argument("<id>"))
    .action((id: string, flags: PlaceFlags) =>
      tell({ kind: "invite", action: "revoke", id, json: flags.json === true }, flags)
    );
}

const upTo = (most: number) => (text: string): number => {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= most) return count;
  throw new InvalidArgumentError(`Give a number from 1 to ${most}.`);
};
