/** Linked servers: how fast an outbox empties after an outage, beside how fast the same posts went into it. */
import { toBase64url } from "../lib/base/bytes.ts";
import { randomId } from "../lib/base/ids.ts";
import { signLobbyPost } from "../lib/crypto/lobby_post.ts";
import { newAccount, WireClient } from "../tests/kit/wire_client.ts";
import { House, linkHouses } from "../tests/server/federation/kit.ts";
import { report, usage } from "./report.ts";

/** Posts of one account: as many as it may write in a minute. */
const perAccount = 8_000;
/** Requests on their way. */
const window = 256;
const text = "lorem ipsum ".repeat(18);

async function postMany(client: WireClient, count: number): Promise<void> {
  const post = () => {
    const content = { post: randomId(), sentAt: Date.now(), text };
    const signature = toBase64url(signLobbyPost(client.device, content));
    return client.request({ type: "lobby.post", ...content, signature });
  };
  for (let done = 0; done < count; done += window) {
    await Promise.all(Array.from({ length: Math.min(window, count - done) }, post));
  }
}

/** Several accounts, one after another. */
async function fill(house: House, count: number): Promise<void> {
  for (let done = 0; done < count; done += perAccount) {
    await using client = await WireClient.connect(await house.server.pinned(), { receive: false });
    await client.register(newAccount(`writer-${done}`));
    await postMany(client, Math.min(perAccount, count - done));
  }
}

async function queued(house: House): Promise<number> {
  return (await house.peers())[0]?.queued ?? 0;
}

/** `count` posts wait for a server that is away; then it comes back. */
export async function peers(count = 50_000): Promise<void> {
  await using mill = await House.start("mill", "--lobby-peers");
  await using office = await House.start("office", "--lobby-peers");
  await linkHouses(mill, office);
  await office.kill();
  const filling = performance.now();
  await fill(mill, count);
  const filled = performance.now() - filling;
  const before = await usage(mill.server.process.pid);
  const linked = mill.says(/peer linked/);
  await office.again();
  await linked;
  const begin = performance.now();
  // Asking costs the server a little: not more often than this.
  while (await queued(mill) > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  const ms = performance.now() - begin;
  const [sender, receiver] = [
    await usage(mill.server.process.pid),
    await usage(office.server.process.pid),
  ];
  report(`Linked servers: ${count} posts of ${text.length} bytes after an outage`, {
    "posted while it was away": `${Math.round(count / filled * 1000)}/s`,
    "received afterwards": `${Math.round(count / ms * 1000)}/s, ${(ms / 1000).toFixed(1)} s in all`,
    "CPU of the sending server": `${(sender.cpu - before.cpu).toFixed(1)} s`,
    "CPU of the receiving server": `${receiver.cpu.toFixed(1)} s, its start included`,
  });
}
