/** A server's directory in memory, honest until a test says what it lies about. */
import { type Bytes, toBase64url } from "../../../lib/base/bytes.ts";
import { issueRevocation } from "../../../lib/crypto/certificate.ts";
import { canonicalName } from "../../../lib/crypto/names.ts";
import { generateSigningKey, type SigningKey } from "../../../lib/crypto/sign.ts";
import { signCheckpoint } from "../../../lib/directory/checkpoint.ts";
import { type DirectoryEntry, encodeEntry } from "../../../lib/directory/entry.ts";
import { leafHash } from "../../../lib/directory/hash.ts";
import { directoryOrigin } from "../../../lib/directory/origin.ts";
import { consistencyProof, inclusionProof, rootAt } from "../../../lib/directory/tree.ts";
import type { NewRequest } from "../../../lib/wire/client_requests.ts";
import { RefusedError } from "../../../lib/wire/errors.ts";
import type { Arrived, Message, ReplyType, RequestType } from "../../../lib/wire/messages.ts";
import type { Requester } from "../../../client/engine/connection.ts";
import type { Identity } from "../../../client/store/identity.ts";

type KeysAnswer = Omit<Message<"directory.keys.ok">, "id" | "type">;

interface Account {
  readonly identity: Identity;
  readonly index: number;
  readonly certificates: Bytes[];
  readonly revocations: Bytes[];
}

/** What the server does differently from an honest one. */
export interface Lies {
  keys?: (honest: KeysAnswer) => KeysAnswer;
  checkpoint?: (honest: string) => string;
  consistency?: (path: string[]) => string[];
  entries?: (entries: string[]) => string[];
}

const at = 1_800_000_000_000;

/** The directory of one server. */
export class FakeDirectory {
  readonly identity: SigningKey;
  readonly lies: Lies = {};
  /** How often each type was asked. */
  readonly asked = new Map<string, number>();
  #entries: Bytes[] = [];
  readonly #accounts = new Map<string, Account>();

  constructor(identity: SigningKey = generateSigningKey()) {
    this.identity = identity;
  }

  /** Another directory of the same server with the same log so far. */
  fork(): FakeDirectory {
    const other = new FakeDirectory(this.identity);
    other.#entries = [...this.#entries];
    for (const [name, account] of this.#accounts) other.#accounts.set(name, { ...account });
    return other;
  }

  /** Adds an account with its first device. */
  add(identity: Identity): void {
    const { name, accountId, accountKey, bytes } = identity.certificate;
    const index = this.append({ v: 1, type: "account", name, accountId, accountKey, at });
    const account = { identity, index, certificates: [], revocations: [] };
    this.#accounts.set(canonicalName(name), account);
    this.#certify(account, bytes);
  }

  /** Adds a further device of an account. */
  addDevice(identity: Identity): void {
    this.#certify(this.account(identity.certificate.name), identity.certificate.bytes);
  }

  /** Removes a device. */
  revoke(identity: Identity): void {
    const { name, accountId, deviceKey } = identity.certificate;
    const account = this.account(name);
    const { accountKey } = identity;
    const { bytes } = issueRevocation({ accountKey, accountId, deviceKey, revokedAt: at + 1 });
    account.revocations.push(bytes);
    this.append({ v: 1, type: "revocation", accountId, revocation: bytes });
  }

  /** Appends an entry; its index. */
  append(entry: DirectoryEntry): number {
    return this.#entries.push(encodeEntry(entry)) - 1;
  }

  /** Takes back the last entries. */
  rewind(size: number): void {
    this.#entries.length = size;
  }

  get size(): number {
    return this.#entries.length;
  }

  account(name: string): Account {
    const account = this.#accounts.get(canonicalName(name));
    if (account === undefined) throw refusal("no_such_user");
    return account;
  }

  /** Answers about `name` as an honest server would. */
  keysOf(name: string): KeysAnswer {
    const { identity, index, certificates, revocations } = this.account(name);
    const { certificate } = identity;
    return {
      account: certificate.accountId,
      name: certificate.name,
      accountKey: toBase64url(certificate.accountKey),
      certificates: certificates.map(toBase64url),
      revocations: revocations.map(toBase64url),
      entry: toBase64url(this.#entries[index] ?? new Uint8Array()),
      index,
      path: inclusionProof(this.#leaves, index, this.size).map(toBase64url),
      checkpoint: this.checkpoint(),
    };
  }

  /** The signed head. */
  checkpoint(key: SigningKey = this.identity): string {
    const origin = directoryOrigin(this.identity.publicKey);
    return signCheckpoint(key, { origin, size: this.size, root: rootAt(this.#leaves, this.size) });
  }

  /** The server as a client asks it. */
  readonly server: Pick<Requester, "request"> = {
    request: <T extends RequestType>(message: NewRequest<T>) =>
      new Promise<Arrived<ReplyType<T>>>((resolve) => {
        this.asked.set(message.type, (this.asked.get(message.type) ?? 0) + 1);
        const fields = this.#answer(message as NewRequest<RequestType>);
        const reply = { type: `${message.type}.ok`, id: 1, ...fields };
        resolve({ message: reply, body: new Uint8Array() } as unknown as Arrived<ReplyType<T>>);
      }),
  };

  #answer(message: NewRequest<RequestType>): object {
    const asked = message as { type: string } & Record<string, string | number>;
    const lies = this.lies;
    switch (asked.type) {
      case "directory.keys": {
        const honest = this.keysOf(this.#nameOf(asked));
        return lies.keys?.(honest) ?? honest;
      }
      case "directory.checkpoint":
        return { checkpoint: lies.checkpoint?.(this.checkpoint()) ?? this.checkpoint() };
      case "directory.consistency": {
        const path = this.#consistency(Number(asked["from"]), Number(asked["to"]));
        return { path: lies.consistency?.(path) ?? path };
      }
      case "directory.entries": {
        const from = Number(asked["from"]);
        const entries = this.#entries.slice(from, from + Number(asked["limit"])).map(toBase64url);
        return { entries: lies.entries?.(entries) ?? entries };
      }
      default:
        throw refusal("unknown_type");
    }
  }

  #nameOf(asked: Record<string, string | number>): string {
    if (asked["name"] !== undefined) return String(asked["name"]);
    for (const [name, { identity }] of this.#accounts) {
      if (identity.certificate.accountId === asked["account"]) return name;
    }
    throw refusal("no_such_user");
  }

  #consistency(from: number, to: number): string[] {
    if (to > this.size || from > to) throw refusal("not_found");
    return consistencyProof(this.#leaves, from, to).map(toBase64url);
  }

  #certify({ identity, certificates }: Account, certificate: Bytes): void {
    certificates.push(certificate);
    const { accountId } = identity.certificate;
    this.append({ v: 1, type: "device", accountId, certificate });
  }

  get #leaves(): Bytes[] {
    return this.#entries.map(leafHash);
  }
}

function refusal(code: string): RefusedError {
  return new RefusedError({
    type: "error",
    code,
    message: code,
    retry: "never",
    connection: "test",
  });
}
