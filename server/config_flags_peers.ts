/** The command line of `sealpost server peer ...`. */
import type { Command } from "commander";
import type { PeerCommand } from "./admin/peer_commands.ts";
import type { PlaceFlags } from "./config_flags_accounts.ts";

type ActionOf<C> = C extends unknown ? Omit<C, "kind" | "json"> : never;

const ofOne = {
  show: "everything about one of them",
  pause: "end the link for now; messages wait",
  block: "let it in no more, and drop what waits for it (NAME or FINGERPRINT)",
  unblock: "end that",
  resume: "link again, after a pause or a changed identity",
} as const;

interface AddFlags extends PlaceFlags {
  readonly fingerprint?: string;
  readonly name?: string;
}

/** Adds the commands about linked servers; `place` adds the common flags, `tell` hears what was asked. */
export function describePeers(
  program: Command,
  { place, tell }: {
    readonly place: (command: Command) => Command;
    readonly tell: (command: PeerCommand, flags: PlaceFlags) => void;
  },
): void {
  const peer = program.command("peer").description("servers that this one is linked with");
  const finish = (flags: PlaceFlags, command: ActionOf<PeerCommand>) =>
    tell({ kind: "peer", json: flags.json === true, ...command }, flags);
  place(peer.command("add <address>"))
    .description("link with the server at HOST:PORT, or of an invitation link")
    .option("--fingerprint <digits>", "its fingerprint; else whoever answers first is trusted")
    .option("--name <name>", "what it is called here (default: as it calls itself)")
    .action((address: string, { fingerprint, name, ...flags }: AddFlags) =>
      finish(flags, { action: "add", address, fingerprint, name })
    );
  place(peer.command("list")).description("all of them, and how each link stands")
    .action((flags: PlaceFlags) => finish(flags, { action: "list" }));
  for (const action of ["show", "pause", "resume", "block", "unblock"] as const) {
    place(peer.command(`${action} <name>`)).description(ofOne[action])
      .action((name: string, flags: PlaceFlags) => finish(flags, { action, name }));
  }
  place(peer.command("remove <name>")).description("end the link for good")
    .option("--drop", "also when messages still wait for it")
    .action((name: string, { drop, ...flags }: PlaceFlags & { readonly drop?: true }) =>
      finish(flags, { action: "remove", name, drop: drop === true })
    );
}
