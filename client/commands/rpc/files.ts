/** Methods about files. Paths are those of the machine on which `client rpc` runs. */
import Type from "typebox";
import { AppError } from "../../../lib/base/errors.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { fileBy } from "../../ui/file_format.ts";
import { targetOf } from "../../ui/target.ts";
import { placeFor } from "../files.ts";
import { fileJson } from "../json.ts";
import { conversation, count, list, maybe, part, text } from "../../../lib/base/json_schema.ts";
import { file } from "../schemas/outputs.ts";
import { refusal } from "../messages.ts";
import { type Context, method } from "./define.ts";

const id = Type.String({ maxLength: 64, description: "a file's number or id, or the end of it" });
const path = Type.String({ minLength: 1, maxLength: 4096 });

/** How a transfer of this request is watched, ended and limited. */
function transfer(context: Context) {
  const { types } = context.fileChoices();
  return {
    onProgress: context.progress,
    signal: context.signal,
    ...(types === undefined ? {} : { types }),
  };
}

async function byWord(context: Context, word: string) {
  await context.caughtUp();
  return fileBy(word, await context.engine.files.list());
}

/** Methods about files. */
export const fileMethods = {
  "file.rules": method({
    about: "What the server takes",
    params: {},
    result: {
      maxBytes: count,
      quota: count,
      used: count,
      keepMs: count,
      types: list(text),
    },
    example: {},
    run: async ({ engine }) => await engine.files.rules(),
  }),
  "file.send": method({
    about: "Sends a file; the same again goes on where it was interrupted. Tells its progress",
    params: { to: conversation, path },
    result: { file },
    example: { to: "sam", path: "/home/bot/report.pdf" },
    limitMs: 0,
    run: async (context, { to, path: from }) => {
      const { engine, signal } = context;
      const where = { target: targetOf(to), path: from };
      const { id } = await engine.files.send(where, transfer(context));
      const announced = await engine.waitFor(id, "sent", signal);
      if (announced.state === "failed") throw await refusal(engine, announced);
      const sent = (await engine.files.list()).find((one) => one.id === id);
      if (sent === undefined) throw new AppError("not_found");
      return { file: fileJson(sent) };
    },
  }),
  "file.unfinished": method({
    about: "Uploads that were interrupted",
    params: {},
    result: { uploads: list(part({ conversation, path: text, size: count })) },
    example: {},
    run: async ({ engine }) => ({ uploads: await engine.files.unfinished() }),
  }),
  "file.list": method({
    about: "Files that were sent to you or by you, earliest first",
    params: { conversation: maybe(conversation) },
    result: { files: list(file) },
    example: {},
    run: async (context, { conversation: name }) => {
      await context.caughtUp();
      const target = name === undefined ? undefined : targetOf(name);
      return { files: (await context.engine.files.list(target)).map(fileJson) };
    },
  }),
  "file.get": method({
    about:
      "Fetches, checks and saves a file, in the download folder or at `path`. Tells its progress",
    params: { id, path: maybe(path) },
    result: { file, path },
    example: { id: "3", path: "/home/bot/in/report.pdf" },
    limitMs: 0,
    run: async (context, { id: word, path: output }) => {
      const found = await byWord(context, word);
      const place = await placeFor(context.fileChoices().folder, output);
      const saved = await context.engine.files.get({ id: found.id, place }, transfer(context));
      return { file: fileJson(saved.info), path: saved.path };
    },
  }),
  "file.decline": method({
    about: "The file is not wanted: the server need not keep it for you",
    params: { id },
    result: { file },
    example: { id: "3" },
    run: async (context, { id: word }) => {
      const { id } = await byWord(context, word);
      await context.engine.files.decline(id);
      const file = (await context.engine.files.list()).find((one) => one.id === id);
      if (file === undefined) throw new ExitError("notFound", "The file is gone.");
      return { file: fileJson(file) };
    },
  }),
} as const;
