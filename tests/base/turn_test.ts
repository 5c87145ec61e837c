import assert from "node:assert/strict";
import { afterThisTurn } from "../../lib/base/turn.ts";

Deno.test("messages that have arrived are handled before what is put after this turn", async () => {
  const { port1, port2 } = new MessageChannel();
  const order: number[] = [];
  const done = new Promise<void>((resolve) => {
    port2.onmessage = (event: MessageEvent<number>) => {
      order.push(event.data);
      if (event.data !== 1) return;
      afterThisTurn(() => {
        order.push(0);
        resolve();
      });
    };
  });
  for (const each of [1, 2, 3]) port1.postMessage(each);
  await done;
  port1.close();
  port2.close();
  assert.deepEqual(order, [1, 2, 3, 0]);
});
