/**
 * Makes `wire.json`, the vectors of the protocol's frames, from fixed keys and nonces. Ed25519 signatures are
 * deterministic (RFC 8032), so the file is always the same. `deno run --allow-write=tests/vectors
 * tests/vectors/make_wire.ts` writes it anew after a deliberate change of the protocol.
 */
import { encodeContent, signContent } from "../../client/engine/content/codec.ts";
import { concat, toBase64url, toHex, utf8 } from "../../lib/base/bytes.ts";
import { sha256 } from "../../lib/crypto/hash.ts";
import { signLobbyPost } from "../../lib/crypto/lobby_post.ts";
import { issueDeviceCertificate, issueRevocation } from "../../lib/crypto/certificate.ts";
import { labelPrefix, signingKeyFromSeed } from "../../lib/crypto/sign.ts";
import { encodeFrame, type FrameDirection } from "../../lib/wire/frame.ts";
import { clientHello, serverHello, sessionId } from "../../lib/wire/handshake.ts";

/** Bytes `first`, `first + 1`, and so on: 32 of them. */
const ascending = (first: number) => new Uint8Array(32).map((_, at) => first + at);

const identity = signingKeyFromSeed(ascending(0x00));
const device = signingKeyFromSeed(ascending(0x20));
const account = signingKeyFromSeed(ascending(0x40));
const serverNonce = ascending(0x60);
const clientNonce = ascending(0x80);

const server = { name: "example", software: "sealpost/0.1.0", authority: "", capabilities: [] };
const client = { software: "example/1", role: "client" } as const;
const serverFrame = serverHello(server, { identity, nonce: serverNonce });
const clientFrame = clientHello(client, { device, nonce: clientNonce });
const session = sessionId(serverFrame, clientFrame);

const accountId = "01890a5d-ac96-774b-bcce-b302099a8057";
const conversation = "01890a5d-ac96-7000-8000-000000000001";
const message = "01890a5d-ac96-7000-8000-000000000002";
const other = "01890a5d-ac96-7000-8000-000000000003";

function hello(frame: Uint8Array) {
  return { header: new TextDecoder().decode(frame.subarray(8, -64)), frame: toHex(frame) };
}

function frame(input: {
  name: string;
  messages: readonly object[];
  bodies: readonly Uint8Array[];
  direction: FrameDirection;
  counter: number;
}) {
  const { name, messages, bodies, direction, counter } = input;
  const header = JSON.stringify(messages);
  const key = direction === 0 ? device : identity;
  const bytes = encodeFrame({ header, bodies, key, sessionId: session, direction, counter });
  const place = new Uint8Array(9);
  place[0] = direction;
  new DataView(place.buffer).setBigUint64(1, BigInt(counter));
  return {
    name,
    direction,
    counter,
    header,
    bodies: bodies.map(toHex),
    signed: toHex(concat(labelPrefix("frame"), session, place, bytes.subarray(0, -64))),
    signature: toHex(bytes.subarray(-64)),
    frame: toHex(bytes),
  };
}

const send = (id: number, which: string, body: number) => ({
  type: "message.send",
  id,
  conversation,
  message: which,
  epoch: 1,
  body,
});

const bodies = [utf8("first body"), new Uint8Array([0xff, 0x00])];

const frames = [
  frame({
    name: "one message without a body, the first frame after the hello",
    messages: [{ type: "account.check", id: 1, name: "Zoë" }],
    bodies: [],
    direction: 0,
    counter: 1,
  }),
  frame({
    name: "two messages with bodies",
    messages: [send(2, message, 10), send(3, other, 2)],
    bodies,
    direction: 0,
    counter: 2,
  }),
  frame({
    name: "the server answers one of two and refuses the other",
    messages: [
      { type: "message.send.ok", id: 2, seq: 1, ts: 1763683200000 },
      {
        type: "error",
        id: 3,
        code: "epoch_too_old",
        message: "the conversation has moved on",
        retry: "after_sync",
        epoch: 7,
        connection: "0123456789ab",
      },
    ],
    bodies: [],
    direction: 1,
    counter: 1,
  }),
  frame({
    name: "a counter beyond 32 bits",
    messages: [{ type: "ping" }],
    bodies: [],
    direction: 1,
    counter: 2 ** 32 + 1,
  }),
];

/** An item of an outbox between linked servers: a lobby post with the certificate of its device. */
const certificate = issueDeviceCertificate({
  name: "Sam",
  accountId,
  serverKey: identity.publicKey,
  accountKey: account,
  deviceKey: device.publicKey,
  createdAt: 1763683200000,
});
const post = { post: message, sentAt: 1763683200000, text: "Guten Tag, Zoë" };
const item = {
  kind: "lobby",
  ...post,
  certificate: toBase64url(certificate.bytes),
  signature: toBase64url(signLobbyPost(device, post)),
};
const itemDigest = sha256(utf8(`${JSON.stringify(item)}\0`));

const greeting = {
  type: "peer.link",
  versions: [1],
  name: "example",
  capabilities: ["lobby"],
  limits: { windowItems: 1024, itemBytes: 49152 },
  stream: conversation,
  first: 2,
  received: null,
};

frames.push(
  frame({
    name: "linked servers: the greeting of the one that dials, whose identity is the device key here",
    messages: [greeting],
    bodies: [],
    direction: 0,
    counter: 3,
  }),
  frame({
    name: "linked servers: the other one's greeting and an item behind it",
    messages: [
      {
        ...greeting,
        stream: other,
        received: { stream: conversation, counter: 1, digest: toBase64url(itemDigest) },
      },
      { type: "peer.item", counter: 2, item },
    ],
    bodies: [],
    direction: 1,
    counter: 2,
  }),
  frame({
    name: "linked servers: the item is on disk, and a question",
    messages: [
      { type: "peer.ack", counter: 2 },
      { type: "peer.ask", id: 1, ask: { kind: "keys", name: "sam" } },
    ],
    bodies: [],
    direction: 0,
    counter: 4,
  }),
);

/** Headers that must be refused, with the code of the refusal, when a client sends them without a body. */
const refused = [
  { code: "malformed", header: "[]" },
  { code: "malformed", header: '{"type":"ping"}' },
  { code: "malformed", header: '[{"type":"ping"}' },
  { code: "malformed", header: '[{"type":"ping","type":"ping"}]' },
  { code: "malformed", header: '[{"type":"ping","\\u0074ype":"ping"}]' },
  { code: "malformed", header: '[{"type":"ping","more":1}]' },
  { code: "malformed", header: "[[[[[[[[[[[[[]]]]]]]]]]]]]" },
  { code: "malformed", header: '[{"type":"account.check","id":1}]' },
  { code: "malformed", header: '[{"type":"account.check","id":-1,"name":"bob"}]' },
  { code: "malformed", header: JSON.stringify([send(1, message, 5)]) },
  { code: "unknown_type", header: '[{"type":"no.such.type"}]' },
  { code: "unknown_type", header: '[{"type":"message.send.ok","id":1,"seq":1,"ts":1}]' },
];

const revocation = issueRevocation({
  accountId,
  accountKey: account,
  deviceKey: device.publicKey,
  revokedAt: 1763769600000,
});
const content = encodeContent({
  id: message,
  kind: "text",
  body: { text: "Guten Tag, Zoë" },
  sentAt: 1763683200000,
});

const pair = (key: { seed: Uint8Array; publicKey: Uint8Array }) => ({
  seed: toHex(key.seed),
  publicKey: toHex(key.publicKey),
});

/** The content of `wire.json`. All bytes are lower-case hexadecimal. */
export const wireVectors = {
  keys: { identity: pair(identity), device: pair(device), account: pair(account) },
  hellos: {
    serverNonce: toHex(serverNonce),
    clientNonce: toHex(clientNonce),
    server: hello(serverFrame),
    client: hello(clientFrame),
    sessionId: toHex(session),
  },
  frames,
  refused,
  deviceCertificate: {
    name: certificate.name,
    accountId,
    createdAt: certificate.createdAt,
    bytes: toHex(certificate.bytes),
  },
  deviceRevocation: {
    accountId,
    revokedAt: revocation.revokedAt,
    bytes: toHex(revocation.bytes),
  },
  content: {
    conversation,
    content: new TextDecoder().decode(content),
    signature: toHex(signContent(device, { conversation, content })),
  },
  peerItem: { item: JSON.stringify(item), body: "", digest: toHex(itemDigest) },
  lobbyPost: { ...post, signature: toHex(signLobbyPost(device, post)) },
};

if (import.meta.main) {
  const text = JSON.stringify(wireVectors, null, 2) + "\n";
  await Deno.writeTextFile(new URL("wire.json", import.meta.url), text);
}
