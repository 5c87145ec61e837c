/** What the commands on files are given. */
import type { PeerWorld } from "../admin/peer_commands.ts";

/** Where a command works, and how it answers. */
export interface FilesWorld extends PeerWorld {
  readonly json: boolean;
  readonly now: () => number;
}
