import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import type { Message } from "../../../lib/wire/messages.ts";
import type {
  Input,
  LogRow,
  OperationName,
  Result,
  Storage,
} from "../../../server/operations/contract.ts";
import { Push, rowText } from "../../../server/gateway/push.ts";
import { turns } from "../../wire/kit.ts";
import { noFiles } from "../../kit/no_files.ts";

const actor = { account: randomId(), device: "d".repeat(43) };

function row(conversation: string, seq: number): LogRow {
  const sender = { account: randomId(), device: "s".repeat(43) };
  return {
    type: "message",
    conversation,
    seq,
    ...sender,
    ts: 1,
    epoch: 1,
    message: randomId(),
    bytes: new Uint8Array(9),
  };
}

/** Logs in memory, a connection that only remembers, and the push between them. */
function world() {
  const logs = new Map<string, LogRow[]>();
  const reads: string[] = [];
  const sent: Message[] = [];
  const failures: unknown[] = [];
  const state = { queuedBytes: 0, underWay: 0, most: 0, drained: () => {} };
  const read = async (input: Input<"log.read">): Promise<Result<"log.read">> => {
    state.most = Math.max(state.most, ++state.underWay);
    reads.push(input.conversation);
    await turns(1);
    state.underWay--;
    const rows = (logs.get(input.conversation) ?? []).filter(({ seq }) => seq > input.after);
    return { ok: true, rows: rows.slice(0, input.limit), more: rows.length > input.limit };
  };
  const storage: Storage = {
    onNudges: () => undefined,
    files: noFiles,
    call<N extends OperationName>(name: N, input: Input<N>): Promise<Result<N>> {
      const answers: Partial<Record<OperationName, () => Promise<unknown>>> = {
        "log.read": () => read(input as Input<"log.read">),
        "log.pending": () =>
          Promise.resolve({
            conversations: [...logs.keys()].map((conversation) => ({ conversation, cursor: 0 })),
          }),
      };
      return (answers[name]?.() ?? Promise.reject(new Error(name))) as Promise<Result<N>>;
    },
  };
  const push = new Push(actor, {
    storage,
    connection: {
      get queuedBytes() {
        return state.queuedBytes;
      },
      queuedAtMost: () => new Promise((resolve) => state.drained = resolve),
      send: (message) => void sent.push(message),
      sendEncoded: (json) => void sent.push(JSON.parse(json)),
    },
    counters: { delivered: 0 },
    failed: (thrown) => void failures.push(thrown),
  });
  const seqs = (conversation: string) =>
    sent.flatMap((message) =>
      message.type === "message" && message.conversation === conversation ? [message.seq] : []
    );
  return { logs, reads, sent, failures, state, push, seqs };
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

Deno.test("everything that waits is sent at the start, in order, once, one reading at a time", async () => {
  const { logs, push, seqs, state, failures } = world();
  const [a, b] = [randomId(), randomId()];
  logs.set(a, upTo(700).map((seq) => row(a, seq)));
  logs.set(b, upTo(3).map((seq) => row(b, seq)));
  await push.start();
  await turns(30);
  deepStrictEqual(seqs(a), upTo(700));
  deepStrictEqual(seqs(b), upTo(3));
  strictEqual(state.most, 1);
  deepStrictEqual(failures, []);
});

Deno.test("a long conversation does not keep a short one waiting to its end", async () => {
  const { logs, push, reads } = world();
  const [long, short] = [randomId(), randomId()];
  logs.set(long, upTo(2000).map((seq) => row(long, seq)));
  logs.set(short, [row(short, 1)]);
  await push.start();
  await turns(60);
  ok(reads.indexOf(short) <= 1, reads.length.toString());
});

Deno.test("a mark for what was sent already reads nothing", async () => {
  const { logs, push, reads, seqs } = world();
  const conversation = randomId();
  logs.set(conversation, [row(conversation, 1)]);
  await push.start();
  await turns(10);
  const before = reads.length;
  push.mark(conversation, 1);
  await turns(5);
  strictEqual(reads.length, before);
  logs.get(conversation)?.push(row(conversation, 2));
  push.mark(conversation, 2);
  await turns(5);
  deepStrictEqual(seqs(conversation), [1, 2]);
});

Deno.test("while the writer is behind nothing more is read; then it goes on", async () => {
  const { logs, push, reads, seqs, state } = world();
  const conversation = randomId();
  logs.set(conversation, [row(conversation, 1)]);
  state.queuedBytes = 10_000_000;
  await push.start();
  await turns(5);
  strictEqual(reads.length, 0);
  state.queuedBytes = 0;
  state.drained();
  await turns(5);
  deepStrictEqual(seqs(conversation), [1]);
});

Deno.test("turned off it sends nothing; turned on again it catches up; ended it stays silent", async () => {
  const { logs, push, seqs } = world();
  const conversation = randomId();
  logs.set(conversation, [row(conversation, 1)]);
  await push.start();
  await turns(5);
  push.stop();
  logs.get(conversation)?.push(row(conversation, 2));
  push.mark(conversation, 2);
  await turns(5);
  deepStrictEqual(seqs(conversation), [1]);
  await push.start();
  await turns(5);
  deepStrictEqual(seqs(conversation), [1, 2]);
  push.end();
  logs.get(conversation)?.push(row(conversation, 3));
  push.mark(conversation, 3);
  await push.start();
  await turns(5);
  deepStrictEqual(seqs(conversation), [1, 2]);
});

/** Rows as they come along with a nudge. */
function texts(rows: readonly LogRow[]) {
  return rows.flatMap((one) => one.type === "message" ? [rowText(one)] : []);
}

Deno.test("a row that comes along is sent at once where all before it was, and read nowhere", async () => {
  const { logs, push, reads, seqs } = world();
  const conversation = randomId();
  const rows = upTo(4).map((seq) => row(conversation, seq));
  logs.set(conversation, rows.slice(0, 1));
  await push.start();
  await turns(10);
  const before = reads.length;
  strictEqual(push.offer(conversation, texts(rows.slice(1, 3))), true);
  deepStrictEqual([seqs(conversation), reads.length], [[1, 2, 3], before]);
  strictEqual(push.offer(conversation, texts(rows.slice(1, 3))), false, "once");
  push.mark(conversation, 3);
  await turns(5);
  strictEqual(reads.length, before);
  strictEqual(push.offer(conversation, []), false);
});

Deno.test("a row that comes along waits for those before it, for a slow reader and for who wants none", async () => {
  const { logs, push, seqs, state } = world();
  const conversation = randomId();
  const rows = upTo(6).map((seq) => row(conversation, seq));
  strictEqual(push.offer(conversation, texts(rows.slice(0, 1))), false, "not started");
  logs.set(conversation, rows.slice(0, 1));
  await push.start();
  strictEqual(push.offer(conversation, texts(rows.slice(1, 2))), false, "still reading");
  await turns(10);
  strictEqual(push.offer(conversation, texts(rows.slice(2, 3))), false, "row 2 is missing");
  state.queuedBytes = 10_000_000;
  strictEqual(push.offer(conversation, texts(rows.slice(1, 2))), false, "too much waits");
  state.queuedBytes = 0;
  // Of its own the device needs nothing, whoever of its sessions sent it.
  push.sent(conversation, 2);
  const own = { ...row(conversation, 4), device: actor.device };
  strictEqual(push.offer(conversation, texts([rows[2] ?? own, own, rows[4] ?? own])), true);
  deepStrictEqual(seqs(conversation), [1, 3, 5]);
  push.stop();
  strictEqual(push.offer(conversation, texts(rows.slice(5))), false, "turned off");
});
