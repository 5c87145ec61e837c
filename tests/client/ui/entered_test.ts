/** What was entered, before it is done; and the terminal that can do nothing. */
import assert from "node:assert/strict";
import { textLimits } from "../../../lib/base/limits.ts";
import { DumbTerminal } from "../../../client/ui/dumb_terminal.ts";
import { Pastes, tooLong, whither } from "../../../client/ui/entered.ts";
import { readLine } from "../../../client/ui/slash.ts";

const lobby = { kind: "lobby" } as const;

Deno.test("one pasted line that looks like a command is text only when Enter is pressed again", () => {
  const pastes = new Pastes();
  assert.match(pastes.doubt("/exit") ?? "", /Enter again/);
  assert.equal(pastes.doubt("/exit"), undefined);
  assert.match(pastes.doubt("@bob hi") ?? "", /Enter again/);
  assert.match(pastes.doubt("/exit") ?? "", /Enter again/, "something else came between");
  assert.equal(pastes.doubt("plain"), undefined);
  assert.equal(pastes.doubt("/etc/hosts\n/etc/passwd"), undefined);
});

Deno.test("a text that no message takes is refused with its size, where it goes to", () => {
  const long = "\u00e9".repeat(textLimits.lobbyTextBytes / 2 + 1);
  assert.match(
    tooLong(readLine(long), lobby) ?? "",
    /has 16386 bytes, and a message here takes 16384/,
  );
  assert.equal(tooLong(readLine(long), { kind: "direct", name: "bob" }), undefined);
  assert.equal(tooLong(readLine(`@bob ${long}`), lobby), undefined);
  assert.ok(tooLong(readLine(`@bob ${long.repeat(4)}`), lobby));
});

Deno.test("a line is kept or not by where its text goes", () => {
  assert.deepEqual(whither(readLine("@bob x"), lobby), { kind: "direct", name: "bob" });
  assert.deepEqual(whither(readLine("/msg bob x"), lobby), { kind: "direct", name: "bob" });
  assert.deepEqual(whither(readLine("#team x"), lobby), { kind: "group", name: "team" });
  assert.deepEqual(whither(readLine("/file #team x"), lobby), { kind: "group", name: "team" });
  for (const line of ["x", "/reply x", "/file x", "/nonsense"]) {
    assert.deepEqual(whither(readLine(line), lobby), lobby);
  }
});

/** Hands over these pieces of input, and writes down what happens. */
function plain(pieces: string[]) {
  const happened: string[] = [];
  const dialogue = new DumbTerminal({
    read: () => {
      const piece = pieces.shift();
      return Promise.resolve(piece === undefined ? undefined : new TextEncoder().encode(piece));
    },
    write: (text) => happened.push(text),
    echo: (on) => happened.push(on ? "<shown>" : "<hidden>"),
  });
  return { dialogue, happened };
}

Deno.test("on a dumb terminal lines come as they are, and a password unseen", async () => {
  const { dialogue, happened } = plain(["sa", "m\nhello\nlast"]);
  assert.deepEqual(await dialogue.readLine("Username: ", { keep: true }), {
    kind: "line",
    text: "sam",
  });
  assert.deepEqual(await dialogue.readLine("#lobby> "), { kind: "line", text: "hello" });
  assert.deepEqual(await dialogue.readLine("#lobby> "), { kind: "line", text: "last" });
  assert.deepEqual(await dialogue.readLine("#lobby> "), { kind: "end" });
  assert.deepEqual(happened, ["Username: "]);
  const secret = plain(["sex\x7f", "cret\r"]);
  assert.deepEqual(await secret.dialogue.readLine("Password: ", { hidden: true, keep: true }), {
    kind: "line",
    text: "secret",
  });
  assert.deepEqual(secret.happened, ["Password: ", "<hidden>", "<shown>", "\n"]);
  const left = plain(["abc\x03"]);
  assert.deepEqual(await left.dialogue.readLine("Password: ", { hidden: true }), {
    kind: "interrupt",
  });
  assert.equal(left.happened.at(-2), "<shown>");
});
