/** The seam between the protocol and the network: protocol code never names a socket. */

/** A two-way stream of bytes. */
export interface Transport {
  /** Reads at least one byte into `into`; null at the end. Rejects, or ends, when the transport is closed meanwhile. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes all of `bytes`. One call at a time. */
  write(bytes: Uint8Array): Promise<void>;
  /** Whether `write` has let go of its bytes when it resolves: then their memory may be given back. */
  readonly letsGo?: boolean;
  /** Closes both ways at once; calls under way settle. Calling it again does nothing. */
  close(): void;
}
