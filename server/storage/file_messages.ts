/** What a gateway and the storage worker say to each other about the bytes of files, on a port of its own. */
import type { FileBytes } from "../operations/contract.ts";
import type { Failure } from "./messages.ts";

/** What can be asked. */
export type FileVerb = keyof FileBytes;

/** What a verb takes. */
export type FileInput<V extends FileVerb> = Parameters<FileBytes[V]>[0];

/** One question; `input` is what its verb takes. */
export type FileCall = {
  readonly [V in FileVerb]: { readonly id: number; readonly verb: V; readonly input: FileInput<V> };
}[FileVerb];

/** Its answer: a result, or a failure. */
export type FileReply =
  | { readonly id: number; readonly result: object }
  | { readonly id: number; readonly failure: Failure };

/** Hands the port over, on the port of the other calls. */
export interface FilePort {
  readonly files: MessagePort;
}
