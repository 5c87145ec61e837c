import assert from "node:assert/strict";
import { join } from "node:path";
import { AppError } from "../../lib/base/errors.ts";
import type { Migration } from "../../lib/sql/migrate.ts";
import { openDatabase } from "../../lib/sql/open.ts";

const one: Migration = {
  version: 1,
  name: "things",
  sql: "CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
};
const two: Migration = {
  version: 2,
  name: "colours",
  sql: "ALTER TABLE things ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'",
};

function inFolder(test: (path: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    test(join(folder, "test.db"));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("a new database is made with mode 0600, in WAL, with full synchronisation", () => {
  inFolder((path) => {
    const database = openDatabase(path, { migrations: [one] });
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    assert.deepEqual({ ...database.prepare("PRAGMA journal_mode").get() }, { journal_mode: "wal" });
    assert.deepEqual({ ...database.prepare("PRAGMA synchronous").get() }, { synchronous: 2 });
    assert.deepEqual({ ...database.prepare("PRAGMA foreign_keys").get() }, { foreign_keys: 1 });
    database.close();
  });
});

Deno.test("a migration of an existing file copies it first and keeps its rows", () => {
  inFolder((path) => {
    const old = openDatabase(path, { migrations: [one] });
    old.prepare("INSERT INTO things (text) VALUES (?)").run("kept");
    old.close();
    const database = openDatabase(path, { migrations: [one, two] });
    assert.deepEqual({ ...database.prepare("SELECT text, colour FROM things").get() }, {
      text: "kept",
      colour: "red",
    });
    database.close();
    const copy = openDatabase(`${path}.v1`, { migrations: [one] });
    assert.deepEqual({ ...copy.prepare("SELECT * FROM things").get() }, { id: 1, text: "kept" });
    copy.close();
    assert.equal(Deno.statSync(`${path}.v1`).mode! & 0o777, 0o600);
  });
});

Deno.test("a file of a newer program is refused with the way out and stays as it is", () => {
  inFolder((path) => {
    openDatabase(path, { migrations: [one, two] }).close();
    const before = Deno.readFileSync(path);
    assert.throws(() => openDatabase(path, { migrations: [one] }), (thrown: unknown) => {
      assert(thrown instanceof AppError);
      assert.match(thrown.message, /newer version of this program \(schema 2, this one knows 1\)/);
      return true;
    });
    assert.deepEqual(Deno.readFileSync(path), before);
  });
});

Deno.test("a migration that fails leaves the file at its old version", () => {
  inFolder((path) => {
    openDatabase(path, { migrations: [one] }).close();
    const broken = { version: 2, name: "broken", sql: `${two.sql}; CREATE TABLE things (id)` };
    assert.throws(() => openDatabase(path, { migrations: [one, broken] }), AppError);
    const database = openDatabase(path, { migrations: [one] });
    const names = database.prepare("SELECT name FROM pragma_table_info('things')").all();
    assert.deepEqual(names.map((row) => ({ ...row })), [{ name: "id" }, { name: "text" }]);
    database.close();
  });
});

Deno.test("a file that is no database is refused and not changed", () => {
  inFolder((path) => {
    Deno.writeTextFileSync(path, "not a database. ".repeat(1000));
    const before = Deno.readFileSync(path);
    assert.throws(() => openDatabase(path, { migrations: [one] }), /damaged: nothing was changed/);
    assert.deepEqual(Deno.readFileSync(path), before);
  });
});

Deno.test("a database with damaged pages is refused and not changed", () => {
  inFolder((path) => {
    const database = openDatabase(path, { migrations: [one] });
    const insert = database.prepare("INSERT INTO things (text) VALUES (?)");
    database.transaction(() => {
      for (let i = 0; i < 500; i++) insert.run("x".repeat(200));
    });
    database.close();
    const bytes = Deno.readFileSync(path);
    bytes.fill(0xa5, 4096, 4096 * 6);
    Deno.writeFileSync(path, bytes);
    assert.throws(() => openDatabase(path, { migrations: [one] }), /damaged: nothing was changed/);
    assert.deepEqual(Deno.readFileSync(path), bytes);
  });
});

Deno.test("a path that cannot be opened is refused with an AppError", () => {
  inFolder((path) => {
    Deno.mkdirSync(path);
    assert.throws(() => openDatabase(path, { migrations: [one] }), AppError);
  });
});

Deno.test("a savepoint undoes one step and a failed transaction undoes all", () => {
  inFolder((path) => {
    const database = openDatabase(path, { migrations: [one] });
    const insert = database.prepare("INSERT INTO things (id, text) VALUES (?, ?)");
    const count = () =>
      database.prepare("SELECT count(*) AS n FROM things").get<{ n: number }>()?.n;
    database.transaction(() => {
      insert.run(1, "a");
      assert.throws(() =>
        database.savepoint(() => {
          insert.run(2, "b");
          insert.run(1, "taken");
        }), AppError);
      database.savepoint(() => insert.run(3, "c"));
    });
    assert.equal(count(), 2);
    assert.throws(() =>
      database.transaction(() => {
        insert.run(4, "d");
        throw new Error("no");
      }), /no/);
    assert.equal(count(), 2);
    database.close();
  });
});

Deno.test("a full disk is reported as storage_full and the data version shows another writer", () => {
  inFolder((path) => {
    const database = openDatabase(path, { migrations: [one] });
    const other = openDatabase(path, { migrations: [one] });
    const before = database.dataVersion();
    other.prepare("INSERT INTO things (text) VALUES ('x')").run();
    assert.notEqual(database.dataVersion(), before);
    other.close();
    database.exec("PRAGMA max_page_count = 1");
    const insert = database.prepare("INSERT INTO things (text) VALUES (?)");
    assert.throws(
      () => database.transaction(() => insert.run("x".repeat(100_000))),
      (thrown: unknown) => thrown instanceof AppError && thrown.code === "storage_full",
    );
    database.close();
  });
});
