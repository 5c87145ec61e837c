import assert from "node:assert/strict";
import { refuseContent, refuseName } from "../../../client/engine/files/types.ts";
import { utf8 } from "../../../lib/base/bytes.ts";
import { defaultFileTypes, readFileTypes } from "../../../lib/base/file_types.ts";

Deno.test("an allow-list is a list, a change of the usual one, or everything", () => {
  assert.deepEqual(readFileTypes("pdf, .PNG"), ["pdf", "png"]);
  const changed = readFileTypes("+dwg,-sh") ?? [];
  assert.ok(changed.includes("dwg") && changed.includes("pdf") && !changed.includes("sh"));
  assert.deepEqual(readFileTypes("*"), []);
  assert.deepEqual(readFileTypes("-a", ["a", "b"]), ["b"]);
  for (const text of ["", "-pdf,-png", "a b*", "a/b", "../x", "+" + "x".repeat(17)]) {
    assert.equal(readFileTypes(text, ["pdf", "png"]), undefined, text);
  }
});

Deno.test("the usual list has office, images, media, archives, text and code, and no programs", () => {
  for (const type of ["docx", "pdf", "png", "mp4", "mp3", "zip", "txt", "py", "ts"]) {
    assert.ok(defaultFileTypes.includes(type), type);
  }
  for (const type of ["exe", "dll", "scr", "bat", "cmd", "msi", "lnk", "vbs", "jar", "apk"]) {
    assert.ok(!defaultFileTypes.includes(type), type);
  }
});

Deno.test("a name decides by its last extension; without one it counts as text", () => {
  const allowed = ["pdf", "txt"];
  assert.equal(refuseName("a.PDF", allowed), undefined);
  assert.equal(refuseName("README", allowed), undefined);
  assert.match(refuseName("photo.pdf.exe", allowed) ?? "", /\.exe, which is not allowed/);
  assert.match(refuseName("README", ["pdf"]) ?? "", /\.txt/);
  assert.equal(refuseName("x.exe", []), undefined);
});

Deno.test("the first bytes must be what the name says, where that can be told", () => {
  const head = (text: string) => utf8(text);
  assert.equal(refuseContent("a.pdf", head("%PDF-1.7"), defaultFileTypes), undefined);
  assert.match(refuseContent("a.pdf", head("hello"), defaultFileTypes) ?? "", /does not begin/);
  assert.match(refuseContent("a.png", head("MZ\x90"), defaultFileTypes) ?? "", /Windows/);
  assert.match(refuseContent("a.txt", head("\x7fELF\x02"), defaultFileTypes) ?? "", /Linux/);
  assert.match(refuseContent("notes", head("a\0b"), defaultFileTypes) ?? "", /no text/);
  assert.equal(refuseContent("run.sh", head("#!/bin/sh"), defaultFileTypes), undefined);
  assert.equal(refuseContent("a.exe", head("MZ"), ["exe"]), undefined);
  assert.equal(refuseContent("a.png", new Uint8Array(), defaultFileTypes), undefined);
  assert.equal(refuseContent("a.pdf", head("MZ"), []), undefined);
});
