/** A storage side of tests that have nothing to do with files. */
import type { FileBytes } from "../../server/operations/contract.ts";

const refuse = () => Promise.reject(new Error("no files here"));

/** Refuses everything. */
export const noFiles: FileBytes = { open: refuse, write: refuse, seal: refuse, read: refuse };
