import assert from "node:assert/strict";
import type { ChatContext } from "../../../client/ui/chat_context.ts";
import type { Dialogue, Entered } from "../../../client/ui/dialogue.ts";
import { runSlash } from "../../../client/ui/slash_actions.ts";

/** Answers questions with the given lines and writes down everything. */
function scripted(answers: string[], interactive: boolean) {
  const asked: string[] = [];
  const said: string[] = [];
  const dialogue = {
    interactive,
    notice: (lines: string) => said.push(lines),
    print: (lines: string) => said.push(lines),
    readLine: (prompt: string): Promise<Entered> => {
      asked.push(prompt);
      const text = answers.shift();
      return Promise.resolve(text === undefined ? { kind: "end" } : { kind: "line", text });
    },
  } as Partial<Dialogue> as Dialogue;
  const changes: string[][] = [];
  const engine = {
    self: { name: "sam" },
    isPassword: (text: string) => Promise.resolve(text === "right"),
    changePassword: (...change: string[]) => Promise.resolve(void changes.push(change)),
  };
  const chat = {
    options: { dialogue, engine },
    remark: (lines: string) => said.push(lines),
  } as unknown as ChatContext;
  return { chat, asked, said, changes, answers };
}

const good = "yet another zebra clip 17";

Deno.test("/password says that the current password is wrong before it asks for a new one", async () => {
  const { chat, asked, said, changes } = scripted(["wrong", good, good], true);
  await runSlash(chat, "password", "");
  assert.deepEqual(asked, ["Current password: "]);
  assert.match(said.join(), /not the current password/);
  assert.deepEqual(changes, []);
});

Deno.test("/password changes it once the current one is right and the new one was typed twice", async () => {
  const { chat, asked, changes } = scripted(["right", good, good], true);
  await runSlash(chat, "password", "");
  assert.equal(asked.length, 3);
  assert.deepEqual(changes, [["right", good]]);
});

Deno.test("no line of a script that changes its password is left over to be sent as a message", async () => {
  for (const lines of [["wrong", good, good], ["right", "weak", "weak"]]) {
    const { chat, answers } = scripted(lines, false);
    await runSlash(chat, "password", "").catch(() => undefined);
    assert.deepEqual(answers, []);
  }
});
