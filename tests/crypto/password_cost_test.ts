import assert from "node:assert/strict";
// Another specifier than the one that tests replace: this is the file that ships.
import * as shipped from "../../lib/crypto/password_cost.ts?as-shipped";
import config from "../../deno.json" with { type: "json" };
import map from "../kit/import_map.json" with { type: "json" };

Deno.test("what ships makes a guess cost at least what RFC 9106 recommends, and a stolen profile 128 MiB", () => {
  const { "argon2id-custom": argon } = shipped.passwordStretching;
  assert.ok(argon.iterations >= 3 && argon.memory >= 64 * 1024);
  const { log2N, r, p } = shipped.profileKeyCost;
  assert.ok(2 ** log2N * r * 128 >= 128 * 1024 * 1024 && p >= 1);
});

/** The configuration lets a package's own folders be imported too; an import map has to say so. */
function withFolders(imports: Readonly<Record<string, string>>): Record<string, string> {
  const folders = Object.entries(imports).filter(([name]) => !name.endsWith("/"))
    .map(([name, at]) => [`${name}/`, `${at.replace("npm:", "npm:/")}/`]);
  return { ...Object.fromEntries(folders), ...imports };
}

Deno.test("tests replace nothing else than what a guess costs, and give the same random input each time", () => {
  const { "../../lib/crypto/password_cost.ts": cost, "fast-check": check, ...rest } = map.imports;
  assert.equal(cost, "./cheap_cost.ts");
  assert.equal(check, "./seeded_fast_check.ts");
  const { "fast-check": _, ...imports } = config.imports;
  assert.deepEqual(rest, withFolders(imports));
});
