/** Opens a welcome by the library's own steps, with our check of the tree in place of the library's. */
import type { ClientConfig } from "ts-mls/clientConfig.js";
import type { ClientState } from "ts-mls/clientState.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import {
  type GroupInfo,
  ratchetTreeFromExtension,
  verifyGroupInfoConfirmationTag,
} from "ts-mls/groupInfo.js";
import type { GroupSecrets } from "ts-mls/groupSecrets.js";
import { type KeyPackage, makeKeyPackageRef, type PrivateKeyPackage } from "ts-mls/keyPackage.js";
import { deriveKeySchedule } from "ts-mls/keySchedule.js";
import { pathToRoot } from "ts-mls/pathSecrets.js";
import {
  mergePrivateKeyPaths,
  type PrivateKeyPath,
  toPrivateKeyPath,
} from "ts-mls/privateKeyPath.js";
import { findLeafIndex, type RatchetTree } from "ts-mls/ratchetTree.js";
import { createSecretTree } from "ts-mls/secretTree.js";
import { leafToNodeIndex, leafWidth, toLeafIndex } from "ts-mls/treemath.js";
import { firstCommonAncestor } from "ts-mls/updatePath.js";
import { decryptGroupInfo, decryptGroupSecrets, type Welcome } from "ts-mls/welcome.js";
import { checkGroupInfo } from "./check_tree.ts";
import { RefusalError } from "./refusal.ts";

/** The key package that a welcome is addressed to, and how to judge what is in it. */
export interface WelcomeReader {
  readonly keyPackage: KeyPackage;
  readonly secrets: PrivateKeyPackage;
  readonly config: ClientConfig;
  readonly suite: CiphersuiteImpl;
}

interface Opened {
  readonly groupInfo: GroupInfo;
  readonly groupSecrets: GroupSecrets;
  readonly ratchetTree: RatchetTree;
}

/** The state of a group joined by `welcome` (RFC 9420 section 12.4.3.1). Throws `RefusalError` and library errors. */
export async function openWelcome(welcome: Welcome, reader: WelcomeReader): Promise<ClientState> {
  const opened = await decrypt(welcome, reader);
  const { groupInfo, groupSecrets, ratchetTree } = opened;
  const { suite, config } = reader;
  await checkGroupInfo(groupInfo, ratchetTree, { config, suite });
  const noPsk = new Uint8Array(suite.kdf.size);
  const confirmed = await verifyGroupInfoConfirmationTag(
    groupInfo,
    groupSecrets.joinerSecret,
    noPsk,
    suite,
  );
  if (!confirmed) throw new RefusalError("invalid", "confirmation tag");
  const [keySchedule, encryptionSecret] = await deriveKeySchedule(
    groupSecrets.joinerSecret,
    noPsk,
    groupInfo.groupContext,
    suite.kdf,
  );
  return {
    groupContext: groupInfo.groupContext,
    ratchetTree,
    privatePath: await ownPath(opened, reader),
    signaturePrivateKey: reader.secrets.signaturePrivateKey,
    confirmationTag: groupInfo.confirmationTag,
    unappliedProposals: {},
    keySchedule,
    secretTree: await createSecretTree(leafWidth(ratchetTree.length), encryptionSecret, suite.kdf),
    historicalReceiverData: new Map(),
    groupActiveState: { kind: "active" },
    clientConfig: config,
  };
}

async function decrypt(welcome: Welcome, reader: WelcomeReader): Promise<Opened> {
  const { suite } = reader;
  const groupSecrets = await decryptGroupSecrets(
    await suite.hpke.importPrivateKey(reader.secrets.initPrivateKey),
    await makeKeyPackageRef(reader.keyPackage, suite.hash),
    welcome,
    suite.hpke,
  );
  if (groupSecrets === undefined) throw new RefusalError("malformed", "group secrets");
  if (groupSecrets.psks.length > 0) throw new RefusalError("not_allowed", "pre-shared keys");
  const noPsk = new Uint8Array(suite.kdf.size);
  const groupInfo = await decryptGroupInfo(welcome, groupSecrets.joinerSecret, noPsk, suite);
  const ratchetTree = groupInfo && ratchetTreeFromExtension(groupInfo);
  if (!groupInfo || !ratchetTree) throw new RefusalError("malformed", "group info");
  return { groupInfo, groupSecrets, ratchetTree };
}

/** The private keys that the newcomer knows: its leaf's, and those from the node it shares with the committer up. */
async function ownPath(opened: Opened, reader: WelcomeReader): Promise<PrivateKeyPath> {
  const { ratchetTree, groupInfo, groupSecrets } = opened;
  const { suite, keyPackage, secrets } = reader;
  const leafIndex = findLeafIndex(ratchetTree, keyPackage.leafNode);
  if (leafIndex === undefined) throw new RefusalError("invalid", "this device is not in the tree");
  const leafOnly = {
    leafIndex,
    privateKeys: { [leafToNodeIndex(leafIndex)]: secrets.hpkePrivateKey },
  };
  if (groupSecrets.pathSecret === undefined) return leafOnly;
  const shared = firstCommonAncestor(ratchetTree, leafIndex, toLeafIndex(groupInfo.signer));
  const path = await pathToRoot(ratchetTree, shared, groupSecrets.pathSecret, suite.kdf);
  return mergePrivateKeyPaths(await toPrivateKeyPath(path, leafIndex, suite), leafOnly);
}
