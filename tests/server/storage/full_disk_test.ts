import { deepStrictEqual } from "node:assert/strict";
import { openSqliteBackend } from "../../../server/tables/sqlite/open.ts";
import { SmallDisk } from "../../kit/small_disk.ts";

Deno.test({
  name: "a database is closed on a full disk too, and has everything (needs the right to mount)",
  ignore: !SmallDisk.isAllowed(),
  fn() {
    using disk = SmallDisk.mount(2);
    const path = `${disk?.path}/it.db`;
    const backend = openSqliteBackend(path);
    const invite = { hash: "AAAA", note: "kept", left: 1, createdAt: 1, expiresAt: 2 };
    backend.begin();
    backend.tables.invites.add(invite);
    backend.commit();
    disk?.fill();
    backend.close();
    disk?.empty();
    const again = openSqliteBackend(path);
    deepStrictEqual(again.tables.invites.list().map((row) => ({ ...row })), [invite]);
    again.close();
  },
});
