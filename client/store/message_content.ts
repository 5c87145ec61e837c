/** What of a message is sealed. */

/** What the device signed, its signature, and its certificate or key: what a signed receipt is made of. Base64url. */
export interface SignedFacts {
  readonly content: string;
  readonly signature: string;
  readonly certificate?: string;
  readonly device?: string;
}

/** One emoji of one account. */
export interface Reaction {
  readonly account: string;
  /** As its owner spells it. */
  readonly name: string;
  readonly emoji: string;
}

/** What is needed to fetch and open a file; binary fields base64url. */
export interface AttachedFile {
  readonly file: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly key: string;
  readonly hash: string;
  readonly ciphertextHash: string;
  readonly chunk: number;
}

/** The latest edit of a message. */
export interface Edited {
  /** The edit's id (UUID). */
  readonly id: string;
  /** When the server took it; (own) when it was queued. */
  readonly ts: number;
  /** Of the conversation's log; absent while an own one is only queued. */
  readonly seq?: number;
  /** Edits so far. */
  readonly count: number;
}

/** What of a message is sealed. */
export interface MessageContent {
  readonly from: string;
  /** The sender's account; absent in rows of older programs and of the lobby. */
  readonly account?: string;
  readonly text: string;
  readonly signed?: SignedFacts;
  /** Own content as it will be signed (JSON); absent once it was, and for plain texts of older programs. */
  readonly draft?: string;
  readonly reactions?: readonly Reaction[];
  /** A line of the conversation itself: the kind of what happened. */
  readonly notice?: string;
  readonly file?: AttachedFile;
  /** The kind of visible content, where it is not a text. */
  readonly kind?: string;
  readonly edit?: Edited;
  /** Taken back by its author: there is no text any more. */
  readonly deleted?: true;
  /** Of a line that says that rows are missing: those in (`after`, `through`] of the conversation's log. */
  readonly gap?: { readonly after: number; readonly through: number };
  /** The message that this one answers; name and quote as its sender says, kept only while that message is not here. */
  readonly reply?: { readonly id: string; readonly from?: string; readonly quote?: string };
}
