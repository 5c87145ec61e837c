/** A server process with its people, for stories: real processes, TLS, files of their own. */
import { firstContact } from "../../lib/wire/first_contact.ts";
import type { PinnedServer } from "../../lib/wire/tls.ts";
import { TempFolder } from "./folder.ts";
import { command, type CommandOptions } from "./commands.ts";
import { OwnPort } from "./own_port.ts";
import { compiled, type Ended, run, Running, type StartOptions } from "./program.ts";
import type { Ready as ServerReady } from "./server.ts";

/** What a server prints with `--json` once it listens. */
export interface Ready extends ServerReady {
  readonly name: string;
  readonly data: string;
}

/** Strong enough for the server, the same for everybody: accounts differ by their names. */
export const goodPassword = "long gravel marmot 77";

/** How a server is started. */
export interface ServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** By `startServer.sh` instead of directly. */
  readonly script?: boolean;
  readonly flags?: readonly string[];
  /** Where the server keeps its data, instead of beside the people's homes. */
  readonly folder?: string;
}

/** A start script of this tree. */
export function scriptPath(name: "startServer.sh" | "startClient.sh"): string {
  return decodeURIComponent(new URL(`../../${name}`, import.meta.url).pathname);
}

/** A place with one server, its data folder, and a home for each person. */
export class Town implements AsyncDisposable {
  readonly folder: string;
  readonly #temp: TempFolder;
  readonly #port: OwnPort;
  #server: Running;
  #ready: Ready;

  private constructor(
    own: { readonly temp: TempFolder; readonly port: OwnPort },
    server: Running,
    ready: Ready,
  ) {
    this.#temp = own.temp;
    this.#port = own.port;
    this.folder = own.temp.path;
    this.#server = server;
    this.#ready = ready;
  }

  /** Starts a server on a port of its own with an empty data folder. */
  static async make(options: ServerOptions = {}): Promise<Town> {
    const temp = await TempFolder.make();
    const port = OwnPort.take();
    try {
      await Deno.writeTextFile(`${temp.path}/password`, `${goodPassword}\n`);
      const started = await startServer(temp.path, String(port.number), options);
      return new Town({ temp, port }, started.server, started.ready);
    } catch (error) {
      port[Symbol.dispose]();
      await temp[Symbol.asyncDispose]();
      throw error;
    }
  }

  get server(): Running {
    return this.#server;
  }

  get ready(): Ready {
    return this.#ready;
  }

  /** A file with the good password. */
  get passwordFile(): string {
    return `${this.folder}/password`;
  }

  /** `localhost:port`. */
  get address(): string {
    return `localhost:${this.#ready.port}`;
  }

  /** Everything that the server keeps. */
  get data(): string {
    return this.#ready.data;
  }

  /** Starts the server again, on the same port and folder; the old process must have ended. */
  async restart(options: ServerOptions = {}): Promise<void> {
    const started = await startServer(this.folder, String(this.#ready.port), options);
    this.#server = started.server;
    this.#ready = started.ready;
  }

  /** What a client of the wire pins. */
  async pinned(): Promise<PinnedServer> {
    const where = { host: "127.0.0.1", port: this.#ready.port, connectMs: 60_000 };
    const { identity, authority } = await firstContact(where);
    return { ...where, identity, authority };
  }

  /** A person with an empty home of their own, who has not been here yet. */
  async person(name: string): Promise<Person> {
    const home = `${this.folder}/homes/${crypto.randomUUID()}`;
    await Deno.mkdir(home, { recursive: true });
    return new Person(this, { name, home });
  }

  /** A person with an account, whose profile stays unlocked on their machine. */
  async resident(name: string): Promise<Person> {
    const person = await this.person(name);
    await person.register();
    return person;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    this.#port[Symbol.dispose]();
    await this.#temp[Symbol.asyncDispose]();
  }
}

async function startServer(beside: string, port: string, how: ServerOptions) {
  const { env, script, flags, folder = beside } = how;
  const options: StartOptions = {
    home: folder,
    ...(env === undefined ? {} : { env }),
    ...(script === true ? { file: scriptPath("startServer.sh") } : {}),
  };
  const args = [port, "--json", "--name", "test", ...flags ?? []];
  const server = Running.start(script === true ? args : ["server", ...args], options);
  try {
    const line = await server.waitForLine('"event":"ready"');
    return { server, ready: JSON.parse(line) as Ready };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Somebody at a machine: one home, one name. */
export class Person {
  readonly town: Town;
  readonly name: string;
  readonly home: string;

  constructor(town: Town, who: { readonly name: string; readonly home: string }) {
    this.town = town;
    this.name = who.name;
    this.home = who.home;
  }

  /**
   * Runs one command of the client to its end, without a terminal: the executable where one is named, else in this
   * process, which costs a fifth of starting one.
   */
  async once(args: readonly string[], input?: string): Promise<Ended> {
    const options = { home: this.home, ...(input === undefined ? {} : { input }) };
    return compiled() === undefined
      ? await command(args, options)
      : await run(["client", ...args], options);
  }

  /** As `once`; the time of `--timeout` is up after this event, where events can be seen from here. */
  async late(
    args: readonly string[],
    timeIsUp: NonNullable<CommandOptions["timeIsUp"]>,
  ): Promise<Ended> {
    if (compiled() !== undefined) return await this.once(args);
    return await command(args, { home: this.home, timeIsUp });
  }

  /** As `once`, always as a process, in the person's folder. */
  async process(args: readonly string[]): Promise<Ended> {
    return await run(["client", ...args], { home: this.home });
  }

  /** As `once`; throws when the exit code is not 0. Returns the lines of standard output. */
  async lines(args: readonly string[], input?: string): Promise<string[]> {
    const { code, out, err } = await this.once(args, input);
    if (code !== 0) throw new Error(`client ${args.join(" ")}: exit code ${code}\n${out}\n${err}`);
    return out === "" ? [] : out.split("\n");
  }

  /** As `lines`, each line read as JSON. */
  async json(args: readonly string[], input?: string): Promise<Record<string, unknown>[]> {
    return (await this.lines([...args, "--json"], input)).map((line) => JSON.parse(line));
  }

  /** Creates the account and remembers its key. */
  async register(): Promise<Record<string, unknown>> {
    const { address, passwordFile } = this.town;
    // Keys are stretched and made, on a busy machine for longer than a command has by itself.
    const flags = ["--server", address, "--accept-new", "--remember", "--timeout", "120"];
    const password = ["--password-file", passwordFile];
    const [session] = await this.json(["register", this.name, ...flags, ...password]);
    if (session === undefined) throw new Error("register printed nothing");
    return session;
  }

  /** The interactive client over pipes, at its first question. */
  chat(...flags: string[]): Running {
    const args = ["client", "localhost", String(this.town.ready.port), "--accept-new", "--utc"];
    return Running.start([...args, ...flags], { home: this.home });
  }

  /** The interactive client of a person with an account, online. */
  async online(): Promise<Running> {
    const chat = this.chat("--user", this.name);
    try {
      await chat.waitForRemark(/^You are /);
      // An answer to a question shows that the session is there; the lobby's greeting does not.
      await chat.type("/users");
      await chat.waitForLine(new RegExp(`^${this.name} \\(you\\) {2}online`));
      return chat;
    } catch (error) {
      await chat[Symbol.asyncDispose]();
      throw error;
    }
  }
}

/** Longer than anything takes on a busy machine, in ms. */
const patienceMs = 60_000;

/**
 * Looks again and again until it is so, for what somebody else does a moment later and says no word of. Throws when it does
 * not come to be.
 */
export async function untilSo(look: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const late = performance.now() + patienceMs;
  while (!await look()) {
    if (performance.now() > late) throw new Error(`${what}: that did not come to be`);
  }
}

/** The names of all files under `folder` whose bytes hold `marker`. */
export async function filesWith(folder: string, marker: string): Promise<string[]> {
  const found: string[] = [];
  for await (const file of filesUnder(folder)) {
    const text = new TextDecoder("latin1").decode(await Deno.readFile(file));
    if (text.includes(marker)) found.push(file);
  }
  return found;
}

/** All files under `folder`. */
export async function* filesUnder(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* filesUnder(path);
    else if (entry.isFile) yield path;
  }
}

/** Copies a folder with everything in it; `to` is made where it is missing. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  await new Deno.Command("cp", { args: ["-R", `${from}/.`, to] }).output();
}
