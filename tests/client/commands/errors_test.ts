/** Everything in errors.txt happens for real, and reads as it stands there. */
import assert from "node:assert/strict";
import type { EngineEvent } from "../../../client/engine/api.ts";
import { makeServerIdentity } from "../../wire/kit.ts";
import { command, jsonOf } from "../../kit/commands.ts";
import { sealpost } from "../../kit/program.ts";
import { copyFolder, Town } from "../../kit/story.ts";
import { readErrors } from "../../kit/error_list.ts";

type Json = Record<string, unknown>;

const errors = await readErrors(new URL("./errors.txt", import.meta.url));

/** Somebody else's service on a port of its own. */
interface Service {
  readonly port: number;
  close(): void;
}

/** What stands for what; and what was caused. */
class Walk {
  readonly #town: Town;
  /** Words of the list with what they mean now. */
  readonly words = new Map<string, string>();
  readonly walked = new Set<string>();

  constructor(town: Town) {
    this.#town = town;
    this.words.set("SERVER", town.address).set("PW", town.passwordFile).set("FOLDER", town.folder)
      .set("PORT", String(town.ready.port));
  }

  home(who: string): string {
    return `${this.#town.folder}/${who}`;
  }

  /** Causes the errors of a section. */
  async section(section: string, only?: string): Promise<void> {
    this.walked.add(section);
    const wrong: object[] = [];
    for (const one of errors.get(section) ?? []) {
      if (only !== undefined && one.who !== only) continue;
      const input = one.input === "LONG" ? "x".repeat(70_000) : one.input;
      const { code, err } = await command(one.args.map((word) => this.#filled(word)), {
        home: this.home(one.who),
        ...(input === undefined ? {} : { input }),
        ...limited(one.args),
      });
      const says = this.#general(err);
      if (code === one.code && says === one.says) continue;
      wrong.push({ section, does: one.does, code, says });
    }
    assert.deepEqual(wrong, [], `${section}: this is what they say`);
  }

  #filled(word: string): string {
    let filled = word;
    for (const [name, value] of this.words) filled = filled.replaceAll(name, value);
    return filled;
  }

  /** The text with the words of the list for what differs from run to run. */
  #general(text: string): string {
    let general = text.replaceAll("sealpost: ", "");
    const longest = [...this.words].sort(([, a], [, b]) => b.length - a.length);
    for (const [name, value] of longest) general = general.replaceAll(value, name);
    return general.replaceAll(/\b[0-9a-f]{4}(?: [0-9a-f]{4}){15}\b/g, "FINGERPRINT")
      .replaceAll(/\/profiles\/[0-9a-f]{16}\//g, "/profiles/ID/")
      .replaceAll(/knows \d+\)/g, "knows N)")
      .replaceAll(/in \d+ s\b/g, "in N s");
  }
}

/** Whoever gives a command too little time: it is up when nothing more would come by itself, however slow the machine is. */
function limited([name, ...args]: readonly string[]) {
  if (!args.includes("--timeout") || (name !== "send" && name !== "listen")) return {};
  const enough = (event: EngineEvent) => {
    if (event.kind === "connection") return event.state.kind === "offline";
    if (name === "listen") return event.kind === "caught_up";
    return event.kind === "changed" && event.message.own && event.message.state === "sent";
  };
  return { timeIsUp: enough };
}

/** Answers each connection with these bytes and closes it; without any it keeps silent. */
function service(listener: Deno.Listener, bytes: string | undefined): Service {
  const open = new Set<Deno.Conn>();
  const serve = async (connection: Deno.Conn) => {
    open.add(connection);
    try {
      if (bytes === undefined) return void await connection.read(new Uint8Array(1));
      await connection.write(new TextEncoder().encode(bytes));
      connection.close();
    } catch (error) {
      // Whoever calls leaves when it is not what they were looking for.
      if (!(error instanceof Error)) throw error;
    }
  };
  const loop = (async () => {
    try {
      for await (const connection of listener) void serve(connection);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    close: () => {
      listener.close();
      for (const connection of open) {
        try {
          connection.close();
        } catch (error) {
          if (!(error instanceof Deno.errors.BadResource)) throw error;
        }
      }
      void loop;
    },
  };
}

const local = { hostname: "127.0.0.1", port: 0 } as const;

async function register(walk: Walk, name: string): Promise<void> {
  await Deno.mkdir(walk.home(name), { recursive: true });
  const flags = ["--server", walk.words.get("SERVER") ?? "", "--accept-new", "--remember"];
  const password = ["--password-file", walk.words.get("PW") ?? ""];
  await jsonOf(["register", name, ...flags, ...password], { home: walk.home(name) });
}

Deno.test("every error of a one-shot command says what happened, why, and what now", async (t) => {
  await using town = await Town.make({ flags: ["--consent", "all"] });
  const walk = new Walk(town);
  const { words } = walk;
  const as = (who: string, ...args: string[]) => jsonOf(args, { home: walk.home(who) });
  await Deno.mkdir(walk.home("new"));
  for (const name of ["ann", "bob", "kim"]) await register(walk, name);

  await t.step("wrong words", () => walk.section("wrong words"));

  await t.step("wrong places", async () => {
    const made = await makeServerIdentity();
    const plain = "HTTP/1.0 400 Bad Request\r\n\r\n";
    const tls = Deno.listenTls({ ...local, cert: made.cert, key: made.key });
    const services = {
      HTTP: service(Deno.listen(local), plain),
      HANGUP: service(Deno.listen(local), ""),
      TLS: service(tls, plain),
      SILENT: service(Deno.listen(local), undefined),
    };
    for (const [name, { port }] of Object.entries(services)) words.set(name, String(port));
    // Reserved, and never handed out: neither somebody listens there nor a test that runs beside this one.
    words.set("CLOSED", "1023");
    const fingerprint = town.ready.fingerprint.replace(/.$/, (digit) => digit === "0" ? "1" : "0");
    words.set("WRONGLINK", `sealpost://${town.address}/#${fingerprint}`);
    try {
      await walk.section("wrong places");
    } finally {
      for (const one of Object.values(services)) one.close();
    }
  });

  await t.step("names and passwords", async () => {
    const empty = `${town.folder}/empty`;
    await Deno.writeTextFile(empty, "\n");
    words.set("EMPTY", empty);
    const profiles = `${walk.home("ann")}/client/profiles`;
    const [server] = [...Deno.readDirSync(profiles)];
    words.set("ANNPROFILE", `${profiles}/${server?.name}/ann`);
    await walk.section("names and passwords");
  });

  await t.step("messages", async () => {
    await as("bob", "block", "ann");
    await as("kim", "send", "bob", "a note");
    const [note] = await as("bob", "unread", "kim");
    words.set("KIMS", String(note?.["id"]));
    await walk.section("messages");
  });

  await t.step("keys", async () => {
    await as("bob", "unblock", "ann");
    await as("bob", "group", "accept", "kim");
    const [key] = await as("ann", "key", "bob");
    const digits = String(key?.["safetyNumber"]).replaceAll(" ", "");
    words.set("DIGITS", digits.replace(/^./, (digit) => digit === "1" ? "2" : "1"));
    const [device] = await as("ann", "devices");
    words.set("OWNDEVICE", String(device?.["device"]));
    await walk.section("keys");
  });

  await t.step("groups", async () => {
    await as("kim", "group", "create", "team", "bob");
    await as("bob", "unread");
    await walk.section("groups");
  });

  await t.step("files", async () => {
    const files = { PLAN: "plan.txt", PROGRAM: "program.exe", HUGE: "huge.txt" };
    for (const [word, name] of Object.entries(files)) {
      words.set(word, `${town.folder}/${name}`);
      await Deno.writeTextFile(`${town.folder}/${name}`, "the plan");
    }
    await Deno.truncate(`${town.folder}/huge.txt`, 65 * 1024 * 1024);
    await as("kim", "file", "send", "bob", words.get("PLAN") ?? "");
    await walk.section("files");
  });

  await t.step("invitations", async () => {
    await using inviting = await Town.make({ flags: ["--registration", "invite"] });
    const token = "A".repeat(22);
    words.set("INVITING", inviting.address);
    words.set("BADINVITE", inviting.ready.link.replace("#", `?invite=${token}#`));
    await walk.section("invitations");
  });

  await t.step("trouble", async () => {
    await trouble(walk, town);
    await using _ = await holding(walk);
    await walk.section("trouble", "new");
  });

  await t.step("the server is away", async () => {
    await operator(town, ["user", "disable", "bob"]);
    await walk.section("trouble", "bob");
    await town.server.stop();
    await walk.section("trouble", "ann");
  });

  await t.step("another identity", async () => {
    await Deno.rename(town.data, `${town.folder}/before`);
    await town.restart();
    await walk.section("another identity");
  });

  await t.step("that was all of them", () => {
    assert.deepEqual([...errors.keys()].filter((name) => !walk.walked.has(name)), []);
  });
});

/** Profiles that something has happened to. */
async function trouble(walk: Walk, town: Town): Promise<void> {
  const home = (name: string) => {
    const path = `${town.folder}/${name}`;
    walk.words.set(name.toUpperCase(), path);
    return path;
  };
  const profileOf = (folder: string) => {
    const [server] = [...Deno.readDirSync(`${folder}/client/profiles`)];
    return `${folder}/client/profiles/${server?.name}/ann`;
  };
  for (const name of ["copy", "damaged", "newer"]) await copyFolder(walk.home("ann"), home(name));
  await Deno.writeTextFile(`${profileOf(`${town.folder}/damaged`)}/profile.key`, "{}");
  await Deno.remove(`${profileOf(`${town.folder}/damaged`)}/remembered.key`);
  newerVersion(`${profileOf(`${town.folder}/newer`)}/profile.db`);

  const revoked = home("revoked");
  await Deno.mkdir(revoked);
  const flags = ["--server", town.address, "--accept-new", "--remember"];
  const password = ["--password-file", town.passwordFile];
  await jsonOf(["login", "ann", ...flags, ...password], { home: revoked });
  const devices = await jsonOf(["devices"], { home: revoked });
  const current = devices.find((device) => device["current"] === true);
  const args = ["devices", "revoke", String(current?.["device"])];
  await jsonOf(args, { home: walk.home("ann") });
}

/** Somebody listens with ann's profile until this is disposed of. */
async function holding(walk: Walk): Promise<AsyncDisposable> {
  const stop = new AbortController();
  let ended: Promise<unknown> = Promise.resolve();
  const online = new Promise<void>((resolve) => {
    const { readable } = new TransformStream<Uint8Array, Uint8Array>();
    const onLine = (line: string) => {
      const { params } = JSON.parse(line) as Json & { params?: Json };
      if (params?.["event"] === "caught_up") resolve();
    };
    ended = command(["rpc"], {
      home: walk.home("ann"),
      input: readable,
      onLine,
      signal: stop.signal,
    });
  });
  await online;
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("the test is over"));
      await ended;
    },
  };
}

async function operator(town: Town, args: readonly string[]): Promise<void> {
  const { code, stderr } = await sealpost(["server", ...args], { home: town.folder }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
}

/** As a program of the future would leave it. */
function newerVersion(path: string): void {
  const file = Deno.openSync(path, { read: true, write: true });
  // The database header's user version (sqlite.org/fileformat, offset 60).
  file.seekSync(60, Deno.SeekMode.Start);
  file.writeSync(Uint8Array.of(0, 0, 3, 231));
  file.close();
}
