/** Servers: their addresses as people write them, and the file of those whose identity is pinned. */
import { equalBytes, fromBase64url, fromUtf8, toBase64url, utf8 } from "../../lib/base/bytes.ts";
import type { Bytes } from "../../lib/base/bytes.ts";
import { ExitError } from "../../lib/base/exit_codes.ts";
import { formatAddress, type ServerAddress } from "../../lib/base/server_address.ts";
import { fingerprintHex } from "../../lib/crypto/fingerprint.ts";
import { makeFolder, readFile, writeFile } from "../store/files.ts";

export {
  defaultPort,
  formatAddress,
  formatLink,
  parseServerAddress,
} from "../../lib/base/server_address.ts";

/** A server whose identity is pinned. */
export interface KnownServer {
  readonly host: string;
  readonly port: number;
  /** 32 bytes. */
  readonly identity: Bytes;
  /** Its certificate authority, PEM; empty where the system's authorities certify it. */
  readonly authority: string;
  /** As it calls itself. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly firstSeen: number;
  /** Whose word it was: an invitation link's, or a person's. */
  readonly by: "link" | "confirmed";
  /** The account used last there. */
  readonly lastUser?: string;
}

interface Contents {
  readonly servers: readonly KnownServer[];
  /** Address of the server used last. */
  readonly last: string | undefined;
}

/** The file of known servers. Read anew each time: other processes write it too. */
export class KnownServers {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The server pinned for an address. */
  find(address: Pick<ServerAddress, "host" | "port">): KnownServer | undefined {
    const wanted = formatAddress(address);
    return this.#read().servers.find((server) => formatAddress(server) === wanted);
  }

  /** A server by its identity's fingerprint (64 hexadecimal digits); the address used last comes first. */
  byFingerprint(fingerprint: string): KnownServer | undefined {
    const { servers, last } = this.#read();
    const found = servers.filter(({ identity }) => fingerprintHex(identity) === fingerprint);
    return found.find((server) => formatAddress(server) === last) ?? found[0];
  }

  /** The server used last. */
  last(): KnownServer | undefined {
    const { servers, last } = this.#read();
    return servers.find((server) => formatAddress(server) === last);
  }

  /** Pins a server at its address; what is known under another address stays. */
  pin(server: KnownServer): void {
    this.#change((contents) => ({ ...contents, servers: replaced(contents.servers, server) }));
  }

  /** Notes the server, and the account if one was used, as the last. */
  used(server: KnownServer, user?: string): void {
    const last = formatAddress(server);
    this.#change(({ servers }) => ({
      servers: user === undefined
        ? servers
        : servers.map((each) =>
          equalBytes(each.identity, server.identity) ? { ...each, lastUser: user } : each
        ),
      last,
    }));
  }

  get #path(): string {
    return `${this.#folder}/servers.json`;
  }

  #read(): Contents {
    const bytes = readFile(this.#path);
    if (bytes === undefined) return { servers: [], last: undefined };
    try {
      return decode(fromUtf8(bytes));
    } catch (cause) {
      const text = `${this.#path} is damaged: restore it from a backup, or remove it and compare ` +
        "each server's fingerprint again";
      throw new ExitError("localData", text, { cause });
    }
  }

  #change(change: (contents: Contents) => Contents): void {
    const before = this.#read();
    const after = encode(change(before));
    if (after === encode(before)) return;
    makeFolder(this.#folder);
    writeFile(this.#path, utf8(after));
  }
}

function replaced(servers: readonly KnownServer[], server: KnownServer): KnownServer[] {
  const address = formatAddress(server);
  return [...servers.filter((each) => formatAddress(each) !== address), server];
}

function encode({ servers, last }: Contents): string {
  const rows = servers.map((server) => ({ ...server, identity: toBase64url(server.identity) }));
  return JSON.stringify({ v: 1, servers: rows, last }, undefined, 1) + "\n";
}

function decode(text: string): Contents {
  const { v, servers, last } = JSON.parse(text);
  if (v !== 1 || !Array.isArray(servers)) throw new TypeError("not a list of servers");
  return { servers: servers.map(readServer), last: typeof last === "string" ? last : undefined };
}

function readServer(row: Readonly<Record<string, unknown>>): KnownServer {
  const { host, port, identity, authority, name, firstSeen, by, lastUser } = row;
  const whole = typeof host === "string" && typeof port === "number" &&
    typeof identity === "string" && typeof authority === "string" && typeof name === "string" &&
    typeof firstSeen === "number";
  if (!whole) throw new TypeError("not a server");
  const key = fromBase64url(identity);
  if (key.length !== 32) throw new TypeError("not an identity");
  return {
    host,
    port,
    identity: key,
    authority,
    name,
    firstSeen,
    by: by === "link" ? "link" : "confirmed",
    ...(typeof lastUser === "string" ? { lastUser } : {}),
  };
}
