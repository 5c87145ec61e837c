/** The limits of what is inside the encryption, each with its reason. Times in milliseconds, sizes in bytes. */

const second = 1000;
const day = 24 * 60 * 60 * second;

/** What is inside the encryption. */
export const contentLimits = {
  /** A text of 64 KiB whose every character JSON has to escape takes six times as much, and there is more beside it. */
  bytes: 512 * 1024,
  /** The name of a kind: enough to say what a newer program sent. */
  kindChars: 32,
  /** A line that stands for a kind of message that an older program does not know. */
  fallbackBytes: 1024,
  /** The beginning of a message that a reply carries along: one line of a terminal, in any script. */
  quoteChars: 120,
  quoteBytes: 480,
  /** The name of who wrote it, with that of a server behind it where there are several. */
  quotedNameBytes: 300,
  /** A message may be edited for as long: to mend what one said, not to rewrite history. */
  editMs: day,
  /** Edits of one message. */
  edits: 64,
  /** A message may be deleted for everybody for as long; later others have long acted upon it. */
  deleteMs: 30 * day,
  /** Disappearing messages: shorter than a person reads, or longer than the server keeps anything, makes no sense. */
  lifetimeMinMs: 10 * second,
  lifetimeMaxMs: 90 * day,
  /**
   * Days for which the server is asked to keep a message with a lifetime: the first that is no shorter. Coarse, so that it
   * learns little; a day at least, so that somebody who is away for the night misses nothing.
   */
  keepDays: [1, 7, 30],
  /** A message with a lifetime that is never read goes so long after its lifetime. */
  unreadGraceMs: 7 * day,
  /** What came before the message that it is about: kept for one conversation, for one sender in it, and how long. */
  early: 512,
  earlyPerSender: 64,
  earlyMs: 30 * day,
  /** One emoji: families of four with skin tones take 41. */
  emojiBytes: 64,
  /** A signed checkpoint: 200 bytes, and room for some witnesses' signatures. */
  checkpointBytes: 2 * 1024,
  /** A conversation's members tell each other what they saw of the directory's log at most this often. */
  checkpointMs: day,
  /** Checkpoints of others that wait for the server, to be compared: the latest of each account. */
  checkpointsHeard: 64,
  /** Reactions of one account to one message. */
  reactionsPerAccount: 8,
  /** Reactions to one message: two by each member of the largest group. */
  reactionsPerMessage: 512,
} as const;
