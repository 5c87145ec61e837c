import assert from "node:assert/strict";
import { MessageNumbers } from "../../../client/ui/numbers.ts";

Deno.test("messages of this device keep their numbers; those from the archive get short names", () => {
  const numbers = new MessageNumbers();
  const [first, second] = [{ local: -3584432185527297, id: "x" }, { local: -7, id: "y" }];
  assert.equal(numbers.of({ local: 12, id: "z" }), "12");
  assert.deepEqual([numbers.of(first), numbers.of(second), numbers.of(first)], ["a1", "a2", "a1"]);
  assert.equal(numbers.reference("12"), "12");
  assert.equal(numbers.reference("A2"), "y");
});

Deno.test("a word that was never given as a number is none", () => {
  assert.equal(new MessageNumbers().reference("a1"), undefined);
  assert.equal(new MessageNumbers().reference(""), undefined);
});
