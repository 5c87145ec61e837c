import assert from "node:assert/strict";
import { isStub } from "../../scripts/denort.ts";
import { type Info, sortPackages, strayEntries } from "../../scripts/embed.ts";

const packages: Info["npmPackages"] = {
  "direct@1.0.0": { dependencies: ["indirect@2.0.0"], localPath: "/cache/direct/1.0.0" },
  "indirect@2.0.0": { dependencies: ["direct@1.0.0"], localPath: "/cache/indirect/2.0.0" },
  "for-tests@3.0.0": { dependencies: ["indirect@2.0.0"], localPath: "/cache/for-tests/3.0.0" },
};

Deno.test("the executable embeds the packages its modules come to, and what those need, and no others", () => {
  const info = { modules: [{}, { npmPackage: "direct@1.0.0" }], npmPackages: packages };
  assert.deepEqual(sortPackages([info]), {
    used: ["/cache/direct/1.0.0", "/cache/indirect/2.0.0"],
    unused: ["/cache/for-tests/3.0.0"],
  });
});

Deno.test("a package that only a worker comes to is embedded", () => {
  const main = { modules: [{ npmPackage: "direct@1.0.0" }], npmPackages: packages };
  const worker = { modules: [{ npmPackage: "for-tests@3.0.0" }], npmPackages: packages };
  assert.deepEqual(sortPackages([main, worker]).unused, []);
});

Deno.test("what is embedded beside the product is noticed", () => {
  const printed = [
    "Embedded Files",
    "",
    "sealpost",
    "├─┬ lib (109.26KB)",
    "│ ├── tests.ts (1KB)",
    "├── main.ts (3.37KB)",
    "├─┬ node_modules (1MB)",
    "└── tests/* (2KB)",
  ].join("\n");
  assert.deepEqual(strayEntries(printed, ["lib", "main.ts"]), ["node_modules", "tests"]);
});

Deno.test("nothing but the expected bytes passes for the runtime stub", () => {
  assert.equal(isStub(new Uint8Array()), false);
  assert.equal(isStub(new Uint8Array(1000)), false);
});
