/** One thread, as the parts of an engine see it. */

/** The partner of a direct conversation: its name and, once known, account id. */
export interface Partner {
  readonly name: string;
  readonly account?: string;
}

/** A thread without its secrets. */
export interface Thread {
  readonly thread: number;
  readonly kind: "lobby" | "direct" | "group";
  /** Of a second conversation with one account: the thread of the first. */
  readonly twinOf: number | undefined;
  /** What it is called: the partner's name, `#` and the group's name, or the lobby's. From others: not sanitised. */
  readonly title: string;
  /** Of direct conversations. */
  readonly partner: Partner | undefined;
  readonly conversation: string | undefined;
  /** Whether it is a stranger's, and waits for an answer. */
  readonly request: boolean;
  readonly version: number;
  readonly epoch: number;
  /** Goes up when a commit is taken back or the group is made anew. */
  readonly incarnation: number;
  /** When it last went up (ms since 1970); 0: never. */
  readonly setBackAt: number;
  /** Whether this device has a group state. */
  readonly joined: boolean;
  readonly hasPending: boolean;
  readonly cursor: number;
  readonly sentSinceCommit: number;
  readonly committedAt: number;
  /** The latest epoch in which this device has encrypted, and how many generations of it. */
  readonly sent: { readonly epoch: number; readonly generations: number };
  readonly readMark: number;
  readonly readTold: number;
  readonly peerDelivered: number;
  readonly peerDeliveredAt: number | undefined;
  readonly peerRead: number;
  readonly peerReadAt: number | undefined;
}
