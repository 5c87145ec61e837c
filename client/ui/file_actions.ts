/** Slash commands about files: they go on beside the typing, and the status row shows how far they are. */
import type { Target } from "../engine/api.ts";
import type { FileInfo } from "../engine/api_files.ts";
import type { ChatContext } from "./chat_context.ts";
import { fileBy, formatFile, formatUnfinished, sizeText } from "./file_format.ts";
import { errorText, safe } from "./format.ts";
import { usageOf } from "./slash.ts";
import { targetOf } from "./target.ts";
import type { Watching } from "./transfers.ts";

/** `/file [@NAME|#GROUP] PATH`. */
export async function sendFile(chat: ChatContext, rest: string): Promise<void> {
  const addressed = /^([@#]\S+)\s+(\S.*)$/su.exec(rest);
  const target = addressed?.[1] === undefined ? chat.target : targetOf(addressed[1]);
  const path = chat.options.files.expand(unquoted(addressed?.[2] ?? rest));
  if (path === "") return chat.remark(`Usage: ${usageOf("file")}`);
  const name = safe(path.split(/[/\\]/).at(-1) ?? path);
  await beside(
    chat,
    `sending ${name}`,
    (onProgress, signal) => send(chat, { target, path }, { onProgress, signal }),
  );
}

async function send(
  chat: ChatContext,
  where: { readonly target: Target; readonly path: string },
  options: Watching,
): Promise<string | undefined> {
  await chat.options.engine.files.send(where, { ...options, ...typesOf(chat) });
  // Its line appears through the engine's events.
  return undefined;
}

/** `/files [NAME]`. */
export async function listFiles(chat: ChatContext, rest: string): Promise<void> {
  const { engine, style } = chat.options;
  const files = await engine.files.list(rest === "" ? undefined : targetOf(rest));
  const lines = files.map((one) => formatFile(one, style));
  const unfinished = (await engine.files.unfinished()).map(formatUnfinished);
  chat.say([...lines, ...unfinished].join("\n") || "No files yet");
}

/** `/save [N|ID] [PATH]`: without a number the newest that is not here yet. */
export async function saveFile(chat: ChatContext, rest: string): Promise<void> {
  const { engine, files: choices } = chat.options;
  const [word, given] = splitWord(rest);
  const files = await engine.files.list();
  const file = word === "" ? newest(files) : fileBy(word, files);
  if (file === undefined) return chat.say("No files yet");
  const path = choices.expand(unquoted(given));
  const place = path === ""
    ? { kind: "folder", path: await choices.folder() } as const
    : { kind: "file", path } as const;
  const label = `saving ${safe(file.name)}`;
  await beside(chat, label, async (onProgress, signal) => {
    const saved = await engine.files.get({ id: file.id, place }, {
      onProgress,
      signal,
      ...typesOf(chat),
    });
    return `Saved ${safe(saved.path, 500)} (${sizeText(file.size)}).`;
  });
}

function newest(files: readonly FileInfo[]): FileInfo | undefined {
  return files.findLast(({ own, state }) =>
    !own && (state.kind === "offered" || state.kind === "partial")
  );
}

const typesOf = ({ options: { files: { types } } }: ChatContext) =>
  types === undefined ? {} : { types };

/** Goes on beside the typing; a script, whose next line may be the last, waits for it. */
async function beside(
  chat: ChatContext,
  label: string,
  work: (onProgress: Watching["onProgress"], signal: AbortSignal) => Promise<string | undefined>,
): Promise<void> {
  const running = chat.transfers.run(label, work).then(
    (told) => told === undefined ? undefined : chat.remark(told),
    (error) => chat.remark(`! ${label}: ${errorText(error)}`),
  );
  if (!chat.options.dialogue.interactive) await running;
}

/** A path as people type or drop it: without the quotes or backslashes that a shell would need. */
export function unquoted(text: string): string {
  const trimmed = text.trim();
  const quoted = /^(['"])(.*)\1$/s.exec(trimmed);
  return quoted?.[2] ?? trimmed.replace(/\\([ '"()&;\\])/g, "$1");
}

function splitWord(rest: string): [string, string] {
  const match = /^(\S*)\s*(.*)$/s.exec(rest);
  return [match?.[1] ?? "", match?.[2] ?? ""];
}
