import { strictEqual } from "node:assert/strict";
import { Routes } from "../../../server/gateway/routes.ts";

const elsewhere = { ok: false, code: "elsewhere", server: "mill", certificate: "AAAA" } as const;

Deno.test("a message goes straight to another server only when nothing asked before it can be overtaken", () => {
  const routes = new Routes();
  strictEqual(routes.to("one"), undefined);
  routes.asking("one");
  routes.asking("one");
  routes.asked("one", elsewhere);
  // The second is still being asked about here.
  strictEqual(routes.to("one"), undefined);
  routes.asked("one", elsewhere);
  strictEqual(routes.to("one"), elsewhere);
  strictEqual(routes.to("two"), undefined);
  // A commit of the same conversation is asked about here, too.
  routes.asking("one");
  strictEqual(routes.to("one"), undefined);
  routes.asked("one");
  strictEqual(routes.to("one"), elsewhere);
});

Deno.test("a session remembers a bounded number of conversations, and none when servers may have other names", () => {
  const routes = new Routes();
  for (let count = 0; count < 1025; count++) {
    routes.asking(`${count}`);
    routes.asked(`${count}`, elsewhere);
  }
  strictEqual(routes.to("0"), undefined);
  strictEqual(routes.to("1024"), elsewhere);
  routes.forget();
  strictEqual(routes.to("1024"), undefined);
});
