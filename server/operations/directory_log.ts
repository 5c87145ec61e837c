/** The directory's log over the tables: appending entries and proving them. */
import { toBase64url } from "../../lib/base/bytes.ts";
import { type DirectoryEntry, encodeEntry } from "../../lib/directory/entry.ts";
import { leafHash } from "../../lib/directory/hash.ts";
import { nodesAddedBy, type ReadNode, rootAt } from "../../lib/directory/tree.ts";
import type { Directory } from "../tables/tables.ts";

/** Reads complete subtrees from the tables. */
export function nodeReader(directory: Directory): ReadNode {
  return (level, index) => directory.node(level, index);
}

/** Appends an entry; returns its index. */
export function appendEntry(directory: Directory, entry: DirectoryEntry): number {
  const index = directory.size();
  const bytes = encodeEntry(entry);
  const hash = leafHash(bytes);
  const nodes = [
    { level: 0, index, hash },
    ...nodesAddedBy(index, hash, nodeReader(directory)),
  ];
  directory.add(index, { bytes, nodes });
  return index;
}

/** Size and root (base64url) of the log as it stands. */
export function logHead(directory: Directory): { size: number; root: string } {
  const size = directory.size();
  return { size, root: toBase64url(rootAt(nodeReader(directory), size)) };
}
