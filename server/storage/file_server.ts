/** The worker's side of the ports for the bytes of files. */
import { asAppError } from "../../lib/base/errors.ts";
import type { FileCall, FileReply } from "./file_messages.ts";
import type { FileStore } from "./file_store.ts";

function answer(store: FileStore, call: FileCall): Promise<object> {
  switch (call.verb) {
    case "open":
      return store.open(call.input);
    case "write":
      return store.write(call.input);
    case "seal":
      return store.seal(call.input);
    case "read":
      return store.read(call.input);
  }
}

/** Bytes of an answer, to be handed over. */
function bytesOf(result: object): Transferable[] {
  const { buffer } = "bytes" in result && result.bytes instanceof Uint8Array
    ? result.bytes
    : { buffer: undefined };
  return buffer instanceof ArrayBuffer ? [buffer] : [];
}

/** Answers what comes over `port`; `trouble` is told of failures that are nobody's fault outside. */
export function serveFiles(
  port: MessagePort,
  { store, trouble }: {
    readonly store: FileStore;
    readonly trouble: (what: string, thrown: unknown) => void;
  },
): void {
  const send = (reply: FileReply, transfer: Transferable[] = []) =>
    port.postMessage(reply, transfer);
  port.onmessage = async ({ data }: MessageEvent<FileCall>) => {
    const { id, verb } = data;
    try {
      const result = await answer(store, data);
      send({ id, result }, bytesOf(result));
    } catch (thrown) {
      const { code, message: text } = asAppError(thrown);
      trouble(`file.${verb}`, thrown);
      send({ id, failure: { code, text } });
    }
  };
}
