import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { readConfigText } from "../../../server/config_text.ts";

const entries = (text: string) => {
  const read = readConfigText(text);
  return read.kind === "read"
    ? Object.fromEntries(read.entries.map(({ name, value }) => [name, value]))
    : read;
};

Deno.test("what JSON.parse takes for an object is read as the same object", () => {
  const names = fc.string().filter((name) => name !== "__proto__");
  fc.assert(fc.property(fc.dictionary(names, fc.jsonValue({ maxDepth: 4 })), (object) => {
    for (const space of [undefined, 2]) {
      const text = JSON.stringify(object, null, space);
      deepStrictEqual(entries(text), { ...JSON.parse(text) });
    }
  }));
});

Deno.test("comments and a comma behind the last value are allowed, and lines are counted through them", () => {
  const text = `\ufeff// first
{ /* two
lines */ "port": 5000, // "name": "x",
  "name": "a // b /* c */", // end
}
// done`;
  const read = readConfigText(text);
  deepStrictEqual(read, {
    kind: "read",
    entries: [
      { name: "port", value: 5000, line: 3 },
      { name: "name", value: "a // b /* c */", line: 4 },
    ],
  });
});

Deno.test("what is broken is told with its line", () => {
  const broken: readonly (readonly [string, number, RegExp])[] = [
    ["", 1, /too early/],
    ["[]", 1, /begin with/],
    ["port = 5000", 1, /begin with/],
    ['{\n"port": 5000\n"name": "x" }', 3, /comma/],
    ['{\n"port" 5000 }', 2, /colon is missing after "port"/],
    ["{\n\n'port': 5000 }", 3, /a name like/],
    ['{"port":\n\nyes}', 3, /value is missing/],
    ['{"port": 1,\n"port": 2}', 2, /second time/],
    ['{"port": 05}', 1, /comma/],
    ['{"name": "x\n"}', 1, /value is missing/],
    ['{} {"port": 1}', 1, /after the last/],
    ['{"a": [1, 2', 1, /too early/],
    [`{"a": ${"[".repeat(1e5)}`, 1, /nested/],
    ["{ /* no end", 1, /a name like/],
  ];
  for (const [text, line, about] of broken) {
    const read = readConfigText(text);
    strictEqual(read.kind, "broken", text.slice(0, 40));
    if (read.kind === "broken") {
      strictEqual(read.line, line, text);
      strictEqual(about.test(read.text), true, `${text.slice(0, 40)}: ${read.text}`);
    }
  }
});

Deno.test("no text whatever makes it throw", () => {
  const bits = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    "\\",
    "//",
    "/*",
    "*/",
    "\n",
    "1",
    "true",
    "a",
  );
  fc.assert(fc.property(fc.array(bits), (parts) => {
    readConfigText(parts.join(""));
  }));
});
