/** Every number that limits links with other servers, with its reason. Times in milliseconds, sizes in bytes. */

const second = 1000;
const minute = 60 * second;
const day = 24 * 60 * minute;

/** Links with other servers. */
export const peerLimits = {
  /** Linked servers: each costs a connection and a row; a larger federation is a matter of design, not of this number. */
  peers: 256,
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
  /** Lobby text of all accounts of one peer in a minute; more waits at the peer. */
  lobbyBytesPerMinute: 64 * 1024 * 1024,
  /** Questions of one peer that are answered at once, and in a second: each may read a page of accounts. */
  asksInFlight: 64,
  asksPerSecond: 200,
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
