/** The grammar of `sealpost client`: one-shot commands, their flags and help. */
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { ServerAddress } from "../engine/api.ts";
import {
  changePassword,
  check,
  key,
  login,
  logout,
  type NewPasswordFlags,
  notifications,
  register,
  rekey,
  users,
} from "./accounts.ts";
import { archiveStatus, archiveSwitch, devices, renameDevice, revokeDevice } from "./archive.ts";
import { deleteMessage, editMessage, expire, reactTo } from "./changes.ts";
import { verifyContact, type VerifyFlags } from "./compare.ts";
import { showDirectory, trustDirectory } from "./directory.ts";
import { file, fileActs, type FileFlags } from "./files.ts";
import { groupActions, isGroupAction } from "../ui/group_words.ts";
import { block, blocked, group } from "./groups.ts";
import { listen } from "./listen.ts";
import { exportMessages, history, read, send, type SendFlags, unread } from "./messages.ts";
import { addClientFlags, type ClientFlags } from "./options.ts";
import { beginRun, type Run } from "./session.ts";
import type { World } from "./world.ts";

/** The words after `client` that are commands; anything else is the interactive client's HOST. */
export const commandNames = [
  "check",
  "register",
  "login",
  "logout",
  "password",
  "send",
  "read",
  "unread",
  "history",
  "listen",
  "edit",
  "delete",
  "react",
  "expire",
  "users",
  "notifications",
  "key",
  "verify",
  "rekey",
  "archive",
  "group",
  "block",
  "unblock",
  "blocked",
  "devices",
  "directory",
  "export",
  "file",
  "rpc",
  "doctor",
  "help",
] as const;

const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new InvalidArgumentError("Give a number from 1.");
  }
  return value;
};

const conversation = () =>
  new Argument("[CONVERSATION]", "#lobby, #group or a name; all when absent");
const number = () => new Option("-n, --number <COUNT>", "at most so many").argParser(positive);

type Act<A extends unknown[]> = (run: Run, ...given: A) => Promise<void>;

/** Builds the program; `done` is told the promise of what a command does. */
export function buildProgram(
  world: World,
  parseAddress: (text: string) => ServerAddress,
): Command {
  const program = new Command("sealpost client")
    .description("Chat, or run one command and exit. Without a command: the interactive client.")
    .usage("[HOST PORT] | COMMAND [ARGUMENTS] [FLAGS]")
    .helpCommand("help [COMMAND]", "show the help of a command");
  addClientFlags(program, parseAddress);
  /** Adds a command with the common flags before or after its name. */
  const add = <A extends unknown[]>(
    name: string,
    options: { about: string; example: string; act: Act<A>; limitMs?: number },
  ): Command => {
    const command = new Command(name).description(options.about)
      .addHelpText("after", `\nExample:\n  sealpost client ${options.example}`);
    addClientFlags(command, parseAddress);
    command.action(async (...given: unknown[]) => {
      const flags = mergedFlags(program, command);
      const parameters = given.slice(0, -1) as A;
      await options.act(beginRun(world, flags, options.limitMs), ...parameters);
    });
    program.addCommand(command);
    return command;
  };
  addAccountCommands(add);
  addMessageCommands(add);
  addChangeCommands(add);
  addGroupCommands(add);
  return program;
}

/** Flags before the command's name and after it count alike; the one after it wins. */
function mergedFlags(program: Command, command: Command): ClientFlags {
  const given = (name: string, by: Command) => by.getOptionValueSource(name) === "cli";
  const before = Object.entries(program.opts<ClientFlags>())
    .filter(([name]) => given(name, program) && !given(name, command));
  return { ...command.opts<ClientFlags>(), ...Object.fromEntries(before) };
}

type Add = <A extends unknown[]>(
  name: string,
  options: { about: string; example: string; act: Act<A>; limitMs?: number },
) => Command;

function addAccountCommands(add: Add): void {
  add("check", {
    about: "tell whether an account exists (exit code 6 when not)",
    example: "check sam",
    act: (run, name: string) => check(run, name),
  }).argument("<NAME>", "account");
  add("register", {
    about: "create an account and this device's profile of it",
    example: "register bot --password-file pw --remember --accept-new --server localhost:5000",
    act: (run, name: string | undefined) => register(run, name),
  }).argument("[NAME]", "account; default: --user");
  add("login", {
    about: "log in on this device; with --remember no password is needed afterwards",
    example: "login sam --remember",
    act: (run, name: string | undefined) => login(run, name),
  }).argument("[NAME]", "account; default: the last one");
  add("doctor", {
    about: "look at profile, server, identity, clock and directory, and say what is to be done",
    example: "doctor --json",
    act: async (run) => await (await import("./doctor.ts")).doctor(run),
  });
  add("logout", {
    about: "lock the profile on this machine again: forget what --remember has kept",
    example: "logout sam",
    act: (run, name: string | undefined) => logout(run, name),
  }).argument("[NAME]", "account; default: the last one");
  add("password", {
    about: "change the account's password, for all its devices",
    example: "password --password-file pw --new-password-file pw.new",
    act: (run, flags: NewPasswordFlags) => changePassword(run, flags),
  }).option("--new-password-file <FILE>", "read the new one from the first line of a file");
  add("users", {
    about: "list who is online",
    example: "users --all --json",
    act: (run, flags: { all?: boolean }) => users(run, flags.all ?? false),
  }).option("--all", "every account");
  add("notifications", {
    about: "list new notifications and mark them as seen",
    example: "notifications --json",
    act: (run, flags: { all?: boolean }) => notifications(run, flags.all ?? false),
  }).option("--all", "also those seen before");
  add("key", {
    about: "show an account's key, fingerprint, safety number and verification state",
    example: "key sam",
    act: (run, name: string | undefined, flags: { qr?: boolean }) => key(run, name, flags),
  }).argument("[NAME]", "account; default: your own")
    .option("--qr", "the safety number as a QR code too");
  add("verify", {
    about: "compare a contact's safety number and confirm it (exit code 5 when it differs)",
    example:
      "verify sam --digits '05501 33389 48553 13823 63673 14714 40274 73078 62809 84469 90303 88736'",
    act: (run, name: string, flags: VerifyFlags) => verifyContact(run, name, flags),
  }).argument("<NAME>", "account")
    .option("--digits <DIGITS>", "the 60 digits as the other side reads them")
    .option("--undo", "not verified any more");
  add("rekey", {
    about: "change a conversation's keys now: what was stolen before opens nothing that comes",
    example: "rekey sam",
    act: (run, to: string) => rekey(run, to),
  }).argument("<CONVERSATION>", "the other account's name");
  add("directory", {
    about:
      "show the server's directory as this device saw it, or accept one put back from a backup",
    example: "directory trust",
    act: (run, act: string | undefined, flags: { yes?: boolean }) =>
      act === "trust" ? trustDirectory(run, flags) : showDirectory(run),
  }).addArgument(new Argument("[ACTION]", "what to do").choices(["show", "trust"]))
    .option("--yes", "trust: a person has decided so");
  /** Words that look like flags; none of those after `--`. */
  let flagLike: readonly string[] = [];
  const devicesCommand = add("devices", {
    about: "list your own devices, call one something else, or remove one of them for good",
    example: "devices revoke u8VizD",
    act: (
      run,
      act: string | undefined,
      id: string | undefined,
      label: string | undefined,
    ) => {
      if (id?.startsWith("--") && flagLike.includes(id)) throw noSuchFlag(id);
      if (act === "rename") return renameDevice(run, { id, label });
      return act === "revoke" ? revokeDevice(run, id) : devices(run);
    },
  }).addArgument(new Argument("[ACTION]", "what to do").choices(["list", "rename", "revoke"]))
    .argument(
      "[ID]",
      "the beginning of the device's key, as the list shows it; after -- if it has --",
    )
    .argument("[LABEL]", "what to call it")
    // One key in 64 begins with a dash.
    .allowUnknownOption();
  const parse = devicesCommand.parseOptions.bind(devicesCommand);
  devicesCommand.parseOptions = (given) => {
    const parsed = parse(given);
    flagLike = parsed.unknown;
    return parsed;
  };
  add("archive", {
    about: "show the encrypted archive of your history, or leave a conversation out of it",
    example: "archive off sam",
    act: (run, act: string | undefined, to: string | undefined) => {
      if (act === undefined || act === "status") return archiveStatus(run);
      if (to === undefined) {
        throw new ExitError("usage", `Which conversation? sealpost client archive ${act} NAME`);
      }
      return archiveSwitch(run, { to, kept: act === "on" });
    },
  }).addArgument(new Argument("[ACTION]", "what to do").choices(["status", "on", "off"]))
    .addArgument(conversation());
}

/** One key in 4,096 begins with two dashes. */
function noSuchFlag(word: string): ExitError {
  return new ExitError(
    "usage",
    `there is no flag ${word}; a device whose key begins so is given after --: ` +
      `sealpost client devices revoke -- ${word}`,
  );
}

function addChangeCommands(add: Add): void {
  const id = () => new Argument("<ID>", "the message's id, the beginning of it, or its number");
  add("edit", {
    about: "give a message of yours another text, for everybody (within a day)",
    example: 'edit 01890a5d-ac96-774b-bcce-b302099a8057 "lunch at two"',
    act: (run, message: string, text: string | undefined) => editMessage(run, message, text),
  }).addArgument(id()).argument("[TEXT]", "the text; default: standard input");
  add("delete", {
    about: "delete a message of yours for everybody (within 30 days)",
    example: "delete 01890a5d-ac96-774b-bcce-b302099a8057",
    act: (run, message: string) => deleteMessage(run, message),
  }).addArgument(id());
  add("react", {
    about: "react to a message with an emoji",
    example: "react 01890a5d-ac96-774b-bcce-b302099a8057 👍",
    act: (run, message: string, emoji: string, flags: { remove?: boolean }) =>
      reactTo(run, { id: message, emoji, remove: flags.remove ?? false }),
  }).addArgument(id()).argument("<EMOJI>", "one character").option("--remove", "take it back");
  add("expire", {
    about: "say, or set, how long messages of a conversation stay",
    example: "expire sam 1h",
    act: (run, name: string, time: string | undefined) => expire(run, name, time),
  }).argument("<CONVERSATION>", "a name or a group")
    .argument("[TIME]", "10s to 90d (30s, 10m, 1h, 7d, 4w), or off");
}

function addGroupCommands(add: Add): void {
  add("group", {
    about: "create, list, change and leave groups: " +
      Object.entries(groupActions).map(([name, words]) => `${name} ${words}`.trim()).join(", "),
    example: "group create team sam erik",
    act: (run, action: string, words: string[], flags: { owner?: boolean }) =>
      group(run, {
        action: isGroupAction(action) ? action : "list",
        words,
        owner: flags.owner ?? false,
      }),
    limitMs: 120_000,
  }).addArgument(new Argument("<ACTION>", "what to do").choices(Object.keys(groupActions)))
    .argument("[WORD...]", "the group's name, then users, or its new name")
    .option("--owner", "promote: to owner instead of admin");
  add("block", {
    about:
      "accept nothing more from an account or a linked server, and hide what they say in groups",
    example: "block mallory",
    act: (run, name: string) => block(run, name, true),
  }).argument("<NAME>", "account, or @SERVER for everybody of a linked server");
  add("unblock", {
    about: "end that",
    example: "unblock mallory",
    act: (run, name: string) => block(run, name, false),
  }).argument("<NAME>", "account, or @SERVER");
  add("blocked", {
    about: "list the accounts and servers that are blocked",
    example: "blocked --json",
    act: (run) => blocked(run),
  });
}

function addMessageCommands(add: Add): void {
  add("send", {
    about: "send a message: TEXT, or standard input",
    example: 'send sam "lunch?"        (TO: a name, "#group" or "#lobby")',
    act: (run, to: string, text: string | undefined, flags: SendFlags) =>
      send(run, { to, text, flags }),
  }).argument("<TO>", "#lobby, #group or a name").argument(
    "[TEXT]",
    "the text; default: standard input",
  )
    .option("--lines", "send one message per line of standard input")
    .option("--reply-to <ID>", "the message that this one answers")
    .addOption(
      new Option("--wait <STATE>", "how far it must have got").choices([
        "sent",
        "reached",
        "delivered",
        "read",
      ]).default("sent"),
    );
  add("read", {
    about: "print unread messages, earliest first, and mark them as read",
    example: "read -n 1",
    act: (run, wanted: string | undefined, flags: { number?: number }) =>
      read(run, { conversation: wanted, count: flags.number }),
  }).addArgument(conversation()).addOption(number());
  add("unread", {
    about: "print unread messages and leave them unread",
    example: "unread sam --json",
    act: (run, wanted: string | undefined) => unread(run, wanted),
  }).addArgument(conversation());
  add("history", {
    about: "print stored messages",
    example: 'history "#lobby" -n 20 --grep deploy',
    act: (run, wanted: string | undefined, flags: { number?: number; grep?: string }) =>
      history(run, { conversation: wanted, flags }),
  }).addArgument(conversation()).addOption(number())
    .option("--grep <RE>", "only texts that match this regular expression");
  add("listen", {
    about: "print every unread message, then each as it arrives, marking it as read; " +
      "--timeout ends it (exit code 6 when --once got nothing)",
    example: 'listen --json | while read -r line; do echo "$line"; done',
    act: (run, wanted: string | undefined, flags: { once?: boolean; exec?: string }) =>
      listen(run, { conversation: wanted, once: flags.once ?? false, exec: flags.exec }),
    limitMs: 0,
  }).addArgument(conversation()).option("--once", "end after the first message")
    .option(
      "--exec <COMMAND>",
      "instead of printing, run this for each message, which it gets as JSON on standard input and " +
        "in SEALPOST_FROM, SEALPOST_TEXT, SEALPOST_CONVERSATION, SEALPOST_ID, SEALPOST_TIME",
    );
  add("rpc", {
    about: "serve every action to a program: JSON-RPC 2.0, one object per line on standard input " +
      "and output (sealpost schema rpc)",
    example:
      `rpc <<< '{"jsonrpc":"2.0","id":1,"method":"message.send","params":{"to":"sam","text":"hi"}}'`,
    act: async (run) => await (await import("./rpc/serve.ts")).rpc(run),
    limitMs: 0,
  });
  add("file", {
    about: "send a file, list files, save one, or say that it is not wanted",
    example: "file send sam plan.pdf       (file list | file get ID [-o PATH] | file decline ID)",
    act: (run, act: typeof fileActs[number], words: string[], flags: FileFlags) =>
      file(run, { act, words, flags }),
    limitMs: 0,
  }).addArgument(new Argument("<ACTION>", "what to do").choices(fileActs))
    .argument("[WORDS...]", "TO and PATH of what is sent; number or ID of what is fetched")
    .option("-o, --output <PATH>", "where to save: a folder, or a new name");
  add("export", {
    about: "write messages as JSON lines, or as receipts that `sealpost verify` checks offline",
    example: "export sam --signed -o receipts.json",
    act: (
      run,
      wanted: string | undefined,
      flags: { signed?: boolean; output?: string; number?: number; grep?: string },
    ) => exportMessages(run, { conversation: wanted, flags }),
  }).addArgument(conversation()).addOption(number())
    .option("--signed", "receipts with the sender's signature")
    .option("-o, --output <FILE>", "write to a new file instead of standard output")
    .option("--grep <RE>", "only texts that match this regular expression");
}
