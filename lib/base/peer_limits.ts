/** Every number that limits links with other servers, with its reason. Times in milliseconds, sizes in bytes. */

const second = 1000;
const minute = 60 * second;
const day = 24 * 60 * minute;

/** Links with other servers. */
export const peerLimits = {
  /** Linked servers: each costs a connection and a row; a larger federation is a matter of design, not of this number. */
  peers: 256,
  /** Servers that are known by the word of others alone: each is kept as long as this one. */
  namedServers: 1_024,
  /** Servers that may come by themselves in an hour, with `--peers open`: each stays in the list until somebody removes it. */
  incomingPerHour: 20,
  /** What may wait for one peer: a week of 20 messages a minute. Beyond it senders are told that the other server is away. */
  queuedItems: 250_000,
  queuedBytes: 1024 * 1024 * 1024,
  /** Items on their way and not confirmed: enough to fill a line of 100 ms at 10,000 a second. */
  windowItems: 1_024,
  windowBytes: 4 * 1024 * 1024,
  /** Frames of one link that its gateway has handed on and that are not dealt with yet. */
  framesInFlight: 4,
  /** JSON text of one item. */
  itemBytes: 48 * 1024,
  /**
   * Items that are stored together, and their JSON text: some 10 ms of work, which is what others wait for whatever one peer
   * sends. A snapshot of a full group is as much as two of those.
   */
  storedItems: 128,
  storedBytes: 48 * 1024,
  /** One piece of a body that is too large for one item: a commit of a large group has several. */
  partBytes: 256 * 1024,
  /** People whose progress one item tells: its JSON stays within `itemBytes`. */
  progressAtOnce: 150,
  /** Times in an hour that one conversation is asked for as it stands: each costs the hub all of its devices. */
  snapshotsPerHour: 20,
  /**
   * Messages that are kept while it is not known what came before them, the latest of all conversations, and the bytes of one: 64 MiB
   * at most. Beyond them those who were away learn that something is missing, as without them.
   */
  stashedRows: 1_024,
  stashedBytes: 64 * 1024,
  /**
   * Times that one conversation is replaced as the hub says it stands, in ten minutes: everybody's programs look anew each time. A
   * hub whose outbox fills and empties again and again does it every half minute.
   */
  replacedPerTenMinutes: 40,
  /** Conversations of one peer that begin here in an hour: each is kept until its members are out. */
  newConversationsPerHour: 2_000,
  /** Times in an hour that everything shared with one peer is told anew, because one of both was put back: each is thousands of items. */
  toldAnewPerHour: 10,
  /**
   * Conversations of one peer that are kept here: a thousand people with a hundred each. With some 2 kB apiece beside their
   * messages a peer that begins them without end costs 200 MB, and not the disk.
   */
  followedConversations: 100_000,
  /** Lobby text of all accounts of one peer in a minute; more waits at the peer. */
  lobbyBytesPerMinute: 64 * 1024 * 1024,
  /** Questions of one peer that are answered at once, and in a second: each may read a page of accounts. */
  asksInFlight: 64,
  asksPerSecond: 200,
  /** What one that is asked of a third server counts: that one allows all of us as much as we allow one peer. */
  thirdAskCost: 10,
  /** Requests of one peer's accounts that are carried out at once; more wait unread: as many as two busy clients may have. */
  requestsInFlight: 1_024,
  /**
   * What these and their answers hold: with the items of the window it stays within what one connection lets wait
   * (`connectionLimits.writeQueueBytes`), and fills a line of 100 ms at 5 MB/s.
   */
  requestBytesInFlight: 512 * 1024,
  /** Pieces of large commits of one peer that wait for the rest: those of a few of its accounts at once. */
  stagedBytes: 8 * 1024 * 1024,
  /** Accounts and devices of one peer that are looked up anew in a second, for its requests: each costs two signatures. */
  partiesPerSecond: 500,
  /** Claims of all accounts of one peer in a minute: a few people who set up full groups at once, or a thousand first contacts. */
  claimsPerMinute: 2_000,
  /** Devices of third servers that one peer's accounts add and these servers are asked about, in a minute: a full group. */
  introductionsPerMinute: 200,
  /** How long an answer is waited for. */
  askMs: 10 * second,
  /** Answers kept for while a peer is away, and for how long. */
  answers: 10_000,
  answerMs: day,
  dialFirstMs: 500,
  dialMaxMs: minute,
  /** A peer that does not want this server is asked again this seldom; it dials by itself once it does. */
  refusedMs: 5 * minute,
  /** Devices of a peer's accounts that were not seen here before: each is kept as long as the server. */
  newDevicesPerHour: 10_000,
  /** From the connection to the end of the handshake of a link. */
  linkMs: 10 * second,
} as const;
