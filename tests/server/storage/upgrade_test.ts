import assert from "node:assert/strict";
import { openDatabase } from "../../../lib/sql/open.ts";
import { openSqliteBackend } from "../../../server/tables/sqlite/open.ts";
import { migrations } from "../../../server/tables/sqlite/schema.ts";
import { World } from "../../contract/world.ts";

/** A database from before there were groups: two accounts and their conversation. */
function oldDatabase(path: string): void {
  const before = migrations.findIndex(({ name }) => name === "groups");
  const database = openDatabase(path, { migrations: migrations.slice(0, before), cacheKiB: 1024 });
  const accounts = ["erik", "sam"].map((name) =>
    database.prepare(
      `INSERT INTO accounts (account, name, canonical, account_key, record, vault, created_at, entry)
       VALUES (?, ?, ?, '', '', x'', 0, 0)`,
    ).run(crypto.randomUUID(), name, name).lastRowid
  );
  const { lastRowid: key } = database.prepare(
    "INSERT INTO conversations (conversation, kind, pair, head, epoch) VALUES (?, 'direct', ?, 1, 1)",
  ).run(crypto.randomUUID(), accounts.join(" "));
  for (const account of accounts) {
    database.prepare("INSERT INTO members (conversation, account) VALUES (?, ?)").run(key, account);
  }
  database.close();
}

Deno.test("a database from before there were groups goes on: both are members and know each other", () => {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/sealpost.db`;
  try {
    oldDatabase(path);
    const backend = openSqliteBackend(path);
    try {
      const { accounts, conversations, contacts } = backend.tables;
      const [erik, sam] = [accounts.byName("erik"), accounts.byName("sam")];
      assert(erik && sam);
      const conversation = conversations.byPair([erik.key, sam.key]);
      assert.deepEqual(
        conversation?.members.map(({ role, state, mutes }) => [role, state, mutes]),
        [["member", "active", false], ["member", "active", false]],
      );
      assert(contacts.knows(erik.key, sam.key) && contacts.knows(sam.key, erik.key));
      assert(!contacts.blocks(erik.key, sam.key));
      assert.equal(new World(backend).register("mia").name, "mia");
    } finally {
      backend.close();
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
