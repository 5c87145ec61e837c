/**
 * Servers that one's own server is linked with, as this profile has come to know them: which identity stands behind each
 * name, pinned at first sight, and each one's directory log as far as it was seen.
 */
import {
  type Bytes,
  equalBytes,
  fromBase64url,
  fromUtf8,
  toBase64url,
  utf8,
} from "../../lib/base/bytes.ts";
import { AppError } from "../../lib/base/errors.ts";
import { sanitizeLine } from "../../lib/base/sanitize.ts";
import { fingerprint } from "../../lib/crypto/fingerprint.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { Profile } from "../store/profile.ts";
import type { Requester } from "./connection.ts";
import { LogView } from "./log_view.ts";
import { type ProvenKeys, verifyKeys } from "./verify_keys.ts";

/** What linked servers are known with. */
export interface LinkedOptions {
  readonly profile: Pick<Profile, "meta" | "database" | "identity">;
  readonly server: Pick<Requester, "request">;
  now(): number;
  warn(text: string): void;
}

/** An account there: by its name there, or its id. */
export type RemoteWho =
  & { readonly server: string }
  & ({ readonly name: string } | { readonly account: string });

/** Servers whose names are remembered: more than a server may be linked with. */
const maxServers = 512;

/** The linked servers of one profile. */
export class LinkedServers {
  readonly #options: LinkedOptions;
  readonly #logs = new Map<string, LogView>();

  constructor(options: LinkedOptions) {
    this.#options = options;
  }

  /**
   * The keys of an account of a linked server, under its address here (`name@server`), proved by that server's own log.
   * Rejects with `TrustError` when they are not, or when another identity stands behind the server's name than at first;
   * with `no_such_user`, `no_such_server`, `server_away`.
   */
  async keysOf(who: RemoteWho): Promise<ProvenKeys> {
    const { server, ...asked } = who;
    const { message } = await naming(
      server,
      () => this.#options.server.request({ type: "directory.keys", server, ...asked }),
    );
    return await this.taken(who, message);
  }

  /** The same of an answer that has come already. */
  async taken(who: RemoteWho, message: Message<"directory.keys.ok">): Promise<ProvenKeys> {
    const { server, ...asked } = who;
    const serverKey = this.#pin(server, message);
    const log = this.#log(server, serverKey);
    // An answer from before the server was away may be older than what was seen meanwhile, but never of another log.
    const checkpoint = await log.accept(message.checkpoint, 0);
    const verdict = verifyKeys(message, { who: asked, serverKey, checkpoint });
    if (verdict.kind === "false") {
      const shown = "name" in who ? who.name : sanitizeLine(message.name, 64);
      throw log.alarm(`its answer about ${shown}@${server} does not hold: ${verdict.reason}`);
    }
    return { ...verdict.keys, server, name: `${verdict.keys.name}@${server}` };
  }

  /** What the server of that identity (32 bytes) is called here; undefined when it was never seen. */
  nameBehind(identity: Uint8Array): string | undefined {
    const wanted = toBase64url(identity);
    return Object.entries(this.#pins()).findLast(([, pinned]) => pinned === wanted)?.[0];
  }

  /** The log that a signed checkpoint is of; undefined when it is of no server that was ever seen. */
  logOf(signed: string): LogView | undefined {
    return Object.entries(this.#pins()).map(([server, pinned]) =>
      this.#log(server, fromBase64url(pinned))
    ).find((log) => log.isOf(signed));
  }

  /** Forgets which identities were seen: when a person says that the operators changed something. */
  forget(): void {
    this.#options.profile.meta.set("servers", utf8("{}"));
    this.#logs.clear();
  }

  /** The identity behind a server's name: the one seen first, or nothing is believed. */
  #pin(server: string, { identity }: Message<"directory.keys.ok">): Bytes {
    if (identity === undefined) throw new AppError("malformed");
    const key = fromBase64url(identity);
    const pins = this.#pins();
    const pinned = pins[server];
    if (pinned === undefined) {
      this.#options.profile.database.transaction(() => {
        const now = Object.entries({ ...this.#pins(), [server]: identity }).slice(-maxServers);
        this.#options.profile.meta.set("servers", utf8(JSON.stringify(Object.fromEntries(now))));
      });
    } else if (pinned !== identity) {
      const log = this.#log(server, fromBase64url(pinned));
      throw log.alarm(
        `another server stands behind that name now (${fingerprint(key)}, before ` +
          `${
            fingerprint(fromBase64url(pinned))
          }); if the operators say by another way that this is right: ` +
          "sealpost client directory trust",
      );
    }
    if (equalBytes(key, this.#options.profile.identity.certificate.serverKey)) {
      throw new AppError("no_such_server", {
        text: `${server} is your own server: leave @${server} out`,
      });
    }
    return key;
  }

  #pins(): Record<string, string> {
    const stored = this.#options.profile.meta.get("servers");
    return stored === undefined ? {} : JSON.parse(fromUtf8(stored));
  }

  #log(server: string, serverKey: Bytes): LogView {
    const id = toBase64url(serverKey);
    const known = this.#logs.get(`${server} ${id}`);
    if (known !== undefined) return known;
    const made = new LogView({ ...this.#options, serverKey, linked: { name: server, id } });
    this.#logs.set(`${server} ${id}`, made);
    return made;
  }
}

/** What `ask` answers; a refusal for want of a link says which server is away. */
export async function naming<T>(server: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code !== "server_away") throw cause;
    const text = `the server ${sanitizeLine(server, 64)} cannot be reached just now`;
    throw new AppError("server_away", { text, fault: cause.fault, cause });
  }
}
