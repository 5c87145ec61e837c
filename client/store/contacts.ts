/** Accounts whose key was seen once: what it was then is what it has to be, until a person says otherwise. */
import {
  type Bytes,
  fromBase64url,
  fromUtf8,
  toBase64url,
  toHex,
  utf8,
} from "../../lib/base/bytes.ts";
import { canonicalName } from "../../lib/crypto/names.ts";
import type { SealedDatabase } from "./sealed.ts";

/** An account's id and key. */
export interface ContactKey {
  /** UUID. */
  readonly account: string;
  /** 32 bytes. */
  readonly accountKey: Bytes;
}

/** What is kept of an account. */
export interface Contact extends ContactKey {
  /** As its owner spells it. */
  readonly name: string;
  /** A person compared the safety number. */
  readonly verified: boolean;
  /** The key that the server gives now, when it is another one and nobody has accepted that. */
  readonly offered?: ContactKey;
}

interface Row {
  readonly tag: Uint8Array;
  readonly facts: Uint8Array;
}

/** The contacts of one profile. What writes does so in the caller's transaction, if there is one. */
export class Contacts {
  readonly #sealed: SealedDatabase;

  constructor(sealed: SealedDatabase) {
    this.#sealed = sealed;
  }

  byName(name: string): Contact | undefined {
    return this.#read(
      this.#sealed.database.prepare("SELECT tag, facts FROM contacts WHERE tag = ?")
        .get<Row>(this.#nameTag(name)),
    );
  }

  byAccount(account: string): Contact | undefined {
    return this.#read(
      this.#sealed.database.prepare("SELECT tag, facts FROM contacts WHERE account_tag = ?")
        .get<Row>(this.#accountTag(account)),
    );
  }

  /** Everybody. */
  all(): Contact[] {
    return this.#sealed.database.prepare("SELECT tag, facts FROM contacts ORDER BY tag").all<Row>()
      .map((row) => decode(this.#sealed.open(place(row.tag), row.facts)));
  }

  /** Stores it under its name. */
  put(contact: Contact): void {
    const tag = this.#nameTag(contact.name);
    this.#sealed.database.prepare(`INSERT INTO contacts (tag, account_tag, facts) VALUES (?, ?, ?)
      ON CONFLICT (tag) DO UPDATE SET account_tag = excluded.account_tag, facts = excluded.facts`)
      .run(tag, this.#accountTag(contact.account), this.#sealed.seal(place(tag), encode(contact)));
  }

  #nameTag(name: string): Bytes {
    return this.#sealed.tag(`contact:${canonicalName(name)}`);
  }

  #accountTag(account: string): Bytes {
    return this.#sealed.tag(`contact account:${account}`);
  }

  #read(row: Row | undefined): Contact | undefined {
    return row && decode(this.#sealed.open(place(row.tag), row.facts));
  }
}

function place(tag: Uint8Array): string {
  return `contacts.facts:${toHex(tag)}`;
}

const encodeKey = ({ account, accountKey }: ContactKey) => ({
  account,
  accountKey: toBase64url(accountKey),
});

const decodeKey = (stored: { account: string; accountKey: string }): ContactKey => ({
  account: stored.account,
  accountKey: fromBase64url(stored.accountKey),
});

function encode(contact: Contact): Bytes {
  const { name, verified, offered } = contact;
  return utf8(JSON.stringify({
    name,
    verified,
    ...encodeKey(contact),
    ...(offered === undefined ? {} : { offered: encodeKey(offered) }),
  }));
}

function decode(bytes: Uint8Array): Contact {
  const stored = JSON.parse(fromUtf8(bytes));
  return {
    name: stored.name,
    verified: stored.verified === true,
    ...decodeKey(stored),
    ...(stored.offered === undefined ? {} : { offered: decodeKey(stored.offered) }),
  };
}
