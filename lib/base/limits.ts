/** Every number that limits something, with its reason. Times in milliseconds, sizes in bytes unless said otherwise. */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** The latest time in milliseconds since 1970 that is a date (ECMA-262 section 21.4.1.1). */
export const latestTime = 8.64e15;

/** Frames on the wire. */
export const frameLimits = {
  /** JSON text of one frame: room for 256 small messages, small enough to parse in under a millisecond. */
  headerBytes: 64 * 1024,
  /** Binary parts of one frame: one file chunk or a commit of a large group. */
  bodyBytes: 1024 * 1024,
  /** Messages in one frame: beyond this, signing is no longer what costs. */
  messages: 256,
  /** Nesting of JSON: the catalogue needs 4; deeper only exercises the parser. */
  jsonDepth: 12,
} as const;

/** One connection. */
export const connectionLimits = {
  /** From accept to a complete hello: generous for a slow line, short for a silent scanner. */
  helloMs: 10 * second,
  /** From hello to a finished login or registration: a person types a password meanwhile. */
  loginMs: 10 * minute,
  pingMs: 25 * second,
  /** Without any frame for this long the connection is dead. */
  deadMs: 60 * second,
  /** Answers and events waiting to be written; beyond it the reader is too slow and is disconnected. */
  writeQueueBytes: 4 * 1024 * 1024,
  /** A half-received frame must be complete within this. */
  frameMs: 30 * second,
  /** Requests of one connection under way at once; more wait unread in the socket. */
  requestsInFlight: 512,
  /** Probe of an older session before a newer one replaces it. */
  probeMs: 3 * second,
  /** Draining at shutdown. */
  drainMs: 5 * second,
} as const;

/** The server as a whole. */
export const serverLimits = {
  connections: 20_000,
  connectionsPerAddress: 4_096,
  /** Sessions of one device: a chat window, a few scripts. */
  sessionsPerDevice: 8,
  devicesPerAccount: 8,
  /** New devices of one account in a day: each stays in the directory's log for ever, also when it is removed again. */
  enrolmentsPerDay: 32,
  /** New accounts from one address in an hour. */
  registrationsPerAddressPerHour: 100,
  /**
   * Beginnings of registrations for each that is allowed: they make the server calculate and leave nothing behind; a person
   * who changes their mind about the password, or whose line breaks, needs a few.
   */
  startsPerRegistration: 10,
  /** Failed logins under one name before the delay begins to grow. */
  freeLoginFailures: 3,
  /** The same from one address, behind which a whole office may sit: one person's typing errors delay no others. */
  freeLoginFailuresPerAddress: 30,
  /** The delay after each further failure doubles from the first to the last of these. */
  loginDelayFirstMs: 2 * second,
  loginDelayMaxMs: 15 * minute,
  /** Sustained bytes per second from one connection, and the burst above it. */
  bytesPerSecond: 128 * 1024 * 1024,
  bytesBurst: 128 * 1024 * 1024,
  /** A vault is under 200 bytes; there is room for what later versions keep in it. */
  vaultBytes: 16 * 1024,
  /** Undelivered ciphertext stored for one receiving account. */
  queuedBytesPerAccount: 256 * 1024 * 1024,
  /** What one conversation may take of it: a quarter, so that whoever fills it leaves room for everybody else. */
  queuedBytesPerConversation: 64 * 1024 * 1024,
  /** Groups that one account has created and that still exist. */
  groupsPerAccount: 500,
  /**
   * Group infos of all conversations that one account has created, which stay as long as these do: those of 100 groups as
   * large as they may be, or of far more than 500 small ones.
   */
  groupInfoBytesPerAccount: 64 * 1024 * 1024,
  /** Groups that one account creates in an hour: each costs all whom it adds a notification. */
  groupsPerHour: 60,
  /** Accounts that one account adds to groups in an hour: a few full groups. */
  invitationsPerHour: 1_000,
  /** Messages that a stranger can put into a request before it is answered: enough to say who one is. */
  requestMessages: 5,
  /** Requests of one account that nobody has answered yet. */
  openRequests: 50,
  /** Requests that wait for one account; those of further strangers are not accepted. */
  waitingRequests: 500,
  /** Accounts that one account can block. */
  blockedAccounts: 10_000,
  /** Parts of large commits that wait in one gateway for the rest: the oldest go first. */
  stagedBytes: 64 * 1024 * 1024,
  /** Lobby text of one account in a minute: every session gets all of it, so nobody may make it more than lines can carry. */
  lobbyBytesPerMinute: 4 * 1024 * 1024,
  /** What a post counts beside its text. */
  lobbyPostBytes: 256,
  lobbyRetentionMs: 90 * day,
  lobbyRetentionCount: 10_000,
  messageRetentionMs: 90 * day,
  /** The longest time that a sender may set for a message: no longer than any is kept. */
  keepDaysMax: 90,
  /** A clock that went further ahead than this beyond the time that passed is doubted: nightly stops are no reason. */
  clockJumpMs: day,
  /** Nothing is deleted for age sooner after such a jump than this much running time: enough for somebody to notice. */
  clockDoubtMs: 7 * day,
  /** Operations in one database transaction: more only delays the first of them. */
  transactionOperations: 512,
  /** Operations waiting for the storage worker; beyond it requests are refused with `rate_limited`. */
  storageQueue: 16_384,
  /**
   * Bytes that wait to be written to all connections of one gateway: with every queue full they would be 80 GB. Enough for
   * 128 readers as slow as one may be; beyond it the slowest are disconnected.
   */
  unsentBytes: 512 * 1024 * 1024,
  /** How often that is looked at: adding up 20,000 numbers takes less than a millisecond. */
  unsentCheckMs: second,
  /** Presence changes are gathered this long, so that many logins at once do not multiply. */
  presenceMs: 200,
} as const;

export { peerLimits } from "./peer_limits.ts";

/** The admin socket of a running server. */
export const adminLimits = {
  /** Operators' commands at once; each takes a moment. */
  connections: 16,
  /** One request or answer: a list of all peers fits many times over. */
  lineBytes: 1024 * 1024,
  /** How long a command waits for an answer, and for the end of a server that stops: longer than draining takes. */
  answerMs: 30 * second,
} as const;

/** The metrics of a running server. */
export const metricsLimits = {
  /** Whoever collects them gives up after 10 seconds by default; a busy disk answers within this. */
  answerMs: 5 * second,
  /** Answers under way at once: one collector asks for one. */
  scrapes: 4,
  /** What waits for receivers is added up over all of them: not more often than this. */
  queuedMs: minute,
} as const;

/** Names, texts and passwords. */
export const textLimits = {
  nameMin: 3,
  nameMax: 32,
  /** UTF-8 bytes of one message's text. */
  textBytes: 64 * 1024,
  lobbyTextBytes: 16 * 1024,
  deviceLabelChars: 64,
  /** Characters of the name of a group: one line of a prompt. */
  groupNameChars: 64,
  /** UTF-8 bytes of a group's description. */
  groupDescriptionBytes: 1024,
  serverNameChars: 64,
  passwordMin: 8,
  passwordMax: 1024,
} as const;

/** The input line of the interactive client. */
export const inputLimits = {
  /** UTF-16 units of one paste: many times what a message takes, so that the draft is there to be cut down; no more memory. */
  pasteChars: 1024 * 1024,
  /** Lines of input that are kept, and given back by the arrow keys: a few weeks of a busy person. */
  historyLines: 1_000,
  /** UTF-16 units of a line that is kept: what was pasted and is longer than that is not typed again. */
  historyLineChars: 8 * 1024,
} as const;

export { contentLimits } from "./content_limits.ts";

/** Messages that could not be read: asked for, and said again. */
export const resendLimits = {
  /** Messages of one request: a batch that was lost together; the request stays far below a frame. */
  perRequest: 64,
  /** A device that missed something asks at once, after a minute and after an hour; then its author is gone for good. */
  asksPerMessage: 3,
  askAgainMs: minute,
  /** Members that missed the same ask one after another, so that one answer serves them all. */
  askJitterMs: 2 * second,
  answerJitterMs: second,
  /** The author's other devices answer after the one that said it had its time. */
  siblingWaitMs: 10 * second,
  /** Answers for one message, and for one conversation in a day: whoever asks without end gets no more. */
  answersPerMessage: 3,
  answersPerDay: 512,
  /** Edits, reactions and the like can be said again for as long as somebody may delete a message. */
  keepMs: 30 * day,
  /** A device key in base64url. */
  deviceChars: 43,
  /** A device certificate has under 300 bytes. */
  certificateBytes: 512,
} as const;

/** MLS. */
export const mlsLimits = {
  /** Application messages may lag the conversation's epoch by this many; receivers keep as many old epochs. */
  lateEpochs: 5,
  /**
   * A receiver ratchets forward over this many lost messages of one sender. A step costs 0.03 ms and a hostile member can
   * ask for all of them with one bad message; senders change the epoch long before.
   */
  forwardSteps: 2_048,
  /**
   * Keys kept for messages of one sender that were overtaken: processes on one profile send side by side, each with up to
   * `4 * outboxBatch` messages on their way, and those encrypted first may reach the server last.
   */
  keptGenerations: 1_024,
  keyPackages: 50,
  keyPackagesRefillBelow: 20,
  /** One key package is under 3,000 bytes; an answer to a claim carries up to 16 of them. */
  keyPackageBytes: 16 * 1024,
  /** Packages of one device that one account may have set aside, so that nobody alone uses up another's supply. */
  reservedPackages: 8,
  keyPackageLifetimeMs: 90 * day,
  lastResortRotationMs: 7 * day,
  claimReservationMs: day,
  /**
   * Whoever fills a group asks once for each account, and again after a conflict. What that can use up of somebody's
   * packages, `reservedPackages` limits.
   */
  claimsPerMinute: 2 * 240,
  /** An empty commit for fresh keys after this many own messages, or this long. */
  commitAfterOwnMessages: 100,
  commitAfterMs: 7 * day,
  /** Commits, welcomes and stored states grow with it: 250 KB, 600 KB and 520 KB at this size (X-Wing). */
  groupDevices: 200,
  /** Commit, welcome and group info together, where they are staged: each of them still has to fit a frame. */
  commitBytes: 3 * 1024 * 1024,
  /** Refusals by different devices that take a commit back: one alone may be that device's own fault. */
  refusalsToRollBack: 2,
  /**
   * A commit can be taken back for so long after it was accepted: devices that are off over night are heard, and nobody
   * keeps old keys for longer than this and `keptStateSlackMs`.
   */
  refusalWindowMs: day,
  /** Clocks of members may differ from the server's by as much. */
  keptStateSlackMs: hour,
  /** Commits of one conversation taken back in a day: beyond it those who refuse join again, and the commit stands. */
  rollbacksPerDay: 4,
  /** Refusals by one device in a day: a sound device has hardly ever any. */
  refusalsPerDay: 8,
  /** New groups made in one conversation in a day: each costs every member a key package and a join. */
  recreationsPerDay: 3,
  /** Plaintext is padded up to the next of these, then to multiples of the last. */
  paddingBuckets: [256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536],
} as const;

/** The archive of an account. */
export const archiveLimits = {
  /** What one account may keep: some 600,000 messages of ordinary length. */
  bytesPerAccount: 256 * 1024 * 1024,
  /** One sealed batch: room for the longest message, whose every character may need six in JSON; a frame carries it. */
  batchBytes: 896 * 1024,
  /** Batches in one request. */
  batchesAtOnce: 32,
  /** What one account may write in a minute: an archive of 100,000 messages in two, and no disk is worn out. */
  bytesPerMinute: 64 * 1024 * 1024,
  /** A client begins the next batch behind so many messages or bytes: what is written anew for one more stays small. */
  batchMessages: 64,
  batchTargetBytes: 48 * 1024,
  /** Batches that a client replaces with one request, to take something out. */
  replacedAtOnce: 8,
  /** A client gathers messages this long before it archives them. */
  gatherMs: 2 * second,
} as const;

/** Files. */
export const fileLimits = {
  /**
   * Bytes of one encrypted chunk with its tag: four of them fill a frame, one of them holds up a message on the same line
   * for a quarter of a second at 1 MB/s.
   */
  chunkBytes: 256 * 1024,
  /** Chunk sizes that a receiver accepts: smaller ones cost it far more work than bytes, larger ones fit no frame. */
  chunkBytesMin: 4 * 1024,
  /** The largest file unless the operator says otherwise. */
  fileBytes: 64 * 1024 * 1024,
  /** What an operator may allow: positions stay exact in JSON, and chunk numbers within 32 bits. */
  fileBytesMax: 1024 ** 4,
  /** Ciphertext of one uploading account on the server, finished or not, unless the operator says otherwise. */
  bytesPerAccount: 1024 ** 3,
  /** The same of all accounts together: files must not take the room that messages need. */
  bytesInAll: 64 * 1024 ** 3,
  /** What a file counts beside its bytes: a row and a block of the file system. */
  overheadBytes: 4 * 1024,
  /** Files of one account on the server. */
  filesPerAccount: 10_000,
  /** Uploads of one account that are begun and not finished. */
  begunPerAccount: 16,
  /** A file is deleted this long after it was finished, whoever has it. */
  keepMs: 30 * day,
  /** An upload in which nothing has moved for this long is given up. */
  begunMs: day,
  /** Bytes of an upload that a crash of the machine may cost: they are forced to the disk in pieces of this size. */
  unsyncedBytes: 4 * 1024 * 1024,
  /** Files that the server holds open for writing at once; the one idle longest is closed. */
  openFiles: 64,
  /** Extensions of an allow-list, and the length of each. */
  types: 512,
  typeChars: 16,
  /** UTF-8 bytes of a file's name: what file systems take. */
  nameBytes: 255,
  /** Bytes of one transfer under way, at most: half of what may wait for a slow reader. */
  windowBytes: 2 * 1024 * 1024,
  /** So long what is under way of one transfer should take at most: a message on the same line waits behind it. */
  windowMs: 250,
  /** Chunks that are read, noted and encrypted together: one write to the profile for each MiB. */
  groupChunks: 4,
  /** An answer about one piece may take this long: 256 KiB at 5 KB/s. */
  pieceMs: 60 * second,
  /** A transfer waits this long for a line that is gone, without anything moving. */
  patienceMs: 5 * minute,
} as const;

/** What members of a group do for each other. */
export const groupLimits = {
  /** A device that asks what its group is called is answered within this, by whoever is online. */
  askMs: 10 * minute,
  /** Those who could answer wait up to so long, each for another while, so that one of them does. */
  answerJitterMs: 3 * second,
  /** The same for those who could commit a removal that the server has queued. */
  removalJitterMs: 2 * second,
} as const;

/** The client. */
export const clientLimits = {
  /** An unfinished profile or file this old is a crash's leftover: writing one takes seconds. */
  leftoverMs: hour,
  connectMs: 8 * second,
  requestMs: 30 * second,
  reconnectFirstMs: 250,
  reconnectMaxMs: 30 * second,
  /**
   * A row may lie this far beyond the last one known to exist: rows of the own device and such as were given up are not
   * sent. More than a day's traffic of the largest group; beyond it the server makes something up.
   */
  sequenceJump: 100_000,
  /** Messages decrypted and stored in one transaction while catching up. */
  inboxBatch: 128,
  /** How long a device that cannot apply a commit waits for others to say the same, before it blames itself. */
  disputeMs: 30 * second,
  /** Commits that several devices have reason to make are put off by up to this: most find them made. */
  commitJitterMs: 2 * second,
  /** The same for making a group anew, and how long this device leaves it at that. */
  recreateJitterMs: 5 * second,
  recreateGapMs: 10 * minute,
  /** Messages of one outbox pass. */
  outboxBatch: 64,
  /** A clock that is off by more shows wrong times; `doctor` says so. */
  clockWarnMs: minute,
  /** A clock that is off by more makes certificates and keys of devices look expired or not valid yet. */
  clockFailMs: 12 * hour,
  /** Texts that a regular expression is tried on in one go. */
  grepBatch: 256,
  /** How long that may take: sane expressions need a millisecond, and others would need years. */
  grepMs: 10 * second,
} as const;

/** `sealpost client rpc`. */
export const rpcLimits = {
  /** One request: the longest text (64 KiB) may stand in it with every character escaped. */
  lineBytes: 1024 * 1024,
  /** Requests under way at once; more wait unread in the pipe, so that whoever writes too much is slowed down. */
  inFlight: 256,
  /** What is left in the queue at the end of input is waited for so long. */
  drainMs: 30 * second,
  /** A transfer tells how far it is at most so often. */
  progressMs: 200,
} as const;
