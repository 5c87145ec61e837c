/** The bytes of files as a gateway worker sees them: calls over a port of their own. Bytes are handed over, not copied twice. */
import { AppError } from "../../lib/base/errors.ts";
import type { FileBytes } from "../operations/contract.ts";
import type { FileCall, FileInput, FilePort, FileReply, FileVerb } from "./file_messages.ts";

/** Calls that may wait; a gateway's sessions together hold fewer bytes than would fill this. */
const mostWaiting = 4096;

interface Waiting {
  readonly resolve: (result: object) => void;
  readonly reject: (error: AppError) => void;
}

/** Files behind a port. */
export class FileProxy implements FileBytes {
  readonly #parent: MessagePort;
  readonly #waiting = new Map<number, Waiting>();
  #port: MessagePort | undefined;
  #nextId = 1;

  /** `parent`: the port that leads to the storage worker already. */
  constructor(parent: MessagePort) {
    this.#parent = parent;
  }

  open(input: FileInput<"open">): ReturnType<FileBytes["open"]> {
    return this.#call({ verb: "open", input });
  }

  write({ bytes, ...input }: FileInput<"write">): ReturnType<FileBytes["write"]> {
    // A frame's buffer holds other messages too: its own piece alone can be handed over.
    const own = new Uint8Array(bytes);
    return this.#call({ verb: "write", input: { ...input, bytes: own } }, [own.buffer]);
  }

  seal(input: FileInput<"seal">): ReturnType<FileBytes["seal"]> {
    return this.#call({ verb: "seal", input });
  }

  read(input: FileInput<"read">): ReturnType<FileBytes["read"]> {
    return this.#call({ verb: "read", input });
  }

  #call<V extends FileVerb>(
    call: { readonly verb: V; readonly input: FileInput<V> },
    transfer: Transferable[] = [],
  ): ReturnType<FileBytes[V]> {
    const answered = new Promise<object>((resolve, reject) => {
      if (this.#waiting.size >= mostWaiting) return reject(new AppError("rate_limited"));
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#open().postMessage({ id, ...call } as FileCall, transfer);
    });
    // The worker answers each call with its own verb's result.
    return answered as ReturnType<FileBytes[V]>;
  }

  #open(): MessagePort {
    if (this.#port !== undefined) return this.#port;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (event: MessageEvent<FileReply>) => this.#settle(event.data);
    const handed: FilePort = { files: port2 };
    this.#parent.postMessage(handed, [port2]);
    return this.#port = port1;
  }

  #settle(reply: FileReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("result" in reply) return waiting?.resolve(reply.result);
    const { code, text } = reply.failure;
    waiting?.reject(new AppError(code, { text, fault: "us" }));
  }

  /** No further answers. */
  close(): void {
    this.#port?.close();
  }
}
