import { ok, strictEqual } from "node:assert/strict";
import { AppError } from "../../lib/base/errors.ts";
import { openDatabase } from "../../lib/sql/open.ts";
import { TempFolder } from "../kit/folder.ts";

Deno.test("a full disk is called a full disk, by client and server alike, and what was there stays", async () => {
  await using folder = await TempFolder.make();
  const sql = "CREATE TABLE notes (text BLOB NOT NULL) STRICT";
  const database = openDatabase(`${folder.path}/some.db`, {
    migrations: [{ version: 1, name: "notes", sql }],
  });
  const insert = () =>
    database.transaction(() =>
      void database.prepare("INSERT INTO notes VALUES (?)").run(new Uint8Array(100_000))
    );
  insert();
  database.exec("PRAGMA max_page_count = 30");
  let thrown: unknown;
  try {
    insert();
  } catch (error) {
    thrown = error;
  }
  ok(thrown instanceof AppError);
  strictEqual(thrown.code, "storage_full");
  ok(/disk/.test(thrown.message) && !/server/.test(thrown.message), thrown.message);
  strictEqual(database.prepare("SELECT count(*) AS n FROM notes").get<{ n: number }>()?.n, 1);
  database.exec("PRAGMA max_page_count = 3000");
  insert();
  database.close();
});
