/** A profile without its key file: the same store, without the second that the password costs. */
import { randomId } from "../../../lib/base/ids.ts";
import { issueDeviceCertificate } from "../../../lib/crypto/certificate.ts";
import { generateSigningKey, type SigningKey } from "../../../lib/crypto/sign.ts";
import type { Database } from "../../../lib/sql/database.ts";
import { openDatabase } from "../../../lib/sql/open.ts";
import type { Identity } from "../../../client/store/identity.ts";
import { Meta } from "../../../client/store/meta.ts";
import { profileMigrations } from "../../../client/store/schema.ts";
import { type Sealer, sealerOf } from "../../../client/store/seal.ts";

/** What of a profile the directory and the key stock need. */
export interface LightProfile extends Sealer, Disposable {
  readonly database: Database;
  readonly meta: Meta;
  readonly identity: Identity;
  readonly path: string;
}

/** An account's keys with one device. */
export function someIdentity(
  options: { readonly name: string; readonly serverKey: Uint8Array },
): Identity {
  return certified({ ...options, accountId: randomId(), accountKey: generateSigningKey() });
}

/** Another device of the same account. */
export function furtherDevice(identity: Identity): Identity {
  const { name, serverKey, accountId } = identity.certificate;
  return certified({ name, serverKey, accountId, accountKey: identity.accountKey });
}

function certified(
  input: {
    readonly name: string;
    readonly serverKey: Uint8Array;
    readonly accountId: string;
    readonly accountKey: SigningKey;
  },
): Identity {
  const device = generateSigningKey();
  const certificate = issueDeviceCertificate({
    ...input,
    deviceKey: device.publicKey,
    createdAt: 1_800_000_000_000,
  });
  const archiveKey = crypto.getRandomValues(new Uint8Array(32));
  return { accountKey: input.accountKey, archiveKey, device, certificate };
}

/** A store of its own in `folder`. */
export function lightProfile(folder: string, identity: Identity): LightProfile {
  const path = `${folder}/${randomId()}.db`;
  const database = openDatabase(path, { migrations: profileMigrations });
  const sealer = sealerOf(crypto.getRandomValues(new Uint8Array(32)));
  return {
    ...sealer,
    database,
    identity,
    path,
    meta: new Meta({ database, ...sealer }),
    [Symbol.dispose]: () => database.close(),
  };
}
