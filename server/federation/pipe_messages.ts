/** What a gateway worker and the federation worker say to each other over their port. */
import type { ErrorCode } from "../../lib/base/errors.ts";
import type { Arrived } from "../../lib/wire/messages.ts";
import type { Answer, Question } from "./asking.ts";

/** Why a line ended, or a question was refused. */
export interface Failure {
  readonly code: ErrorCode;
  readonly text: string;
}

/** Why a question has no answer. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly retryAfterMs?: number;
  readonly epoch?: number;
}

/** A linked server as clients see it. */
export interface LinkedServer {
  readonly name: string;
  /** Base64url. */
  readonly identity: string;
  readonly linked: boolean;
}

/** What a linked server answered, and its identity (base64url). */
export interface PeerAnswer {
  readonly identity: string;
  readonly answer: Answer;
  /** Empty where the answer has none. */
  readonly body: Uint8Array;
}

/** What clients ask of linked servers, on this side of their gateway. */
export interface PeerDirectory {
  /**
   * `body` is that of a request to be carried out there. Rejects with `AppError`: `no_such_server`, `server_away`, or as the
   * server refuses (`RefusedByPeer`).
   */
  ask(server: string, question: Question, body?: Uint8Array): Promise<PeerAnswer>;
  servers(): LinkedServer[] | Promise<LinkedServer[]>;
}

/** From a gateway to the federation worker. */
export type FromGateway =
  | {
    readonly kind: "ask";
    readonly id: number;
    readonly server: string;
    readonly question: Question;
    readonly body: Uint8Array | undefined;
  }
  | { readonly kind: "servers"; readonly id: number }
  | {
    readonly kind: "open";
    readonly pipe: number;
    readonly id: string;
    readonly identity: string;
    readonly remote: string;
  }
  | { readonly kind: "frame"; readonly pipe: number; readonly arrived: readonly Arrived[] }
  | { readonly kind: "ended"; readonly pipe: number; readonly failure: Failure | undefined }
  | { readonly kind: "drained"; readonly pipe: number }
  | { readonly kind: "probed"; readonly pipe: number; readonly alive: boolean };

/** From the federation worker to a gateway. */
export type ToGateway =
  | { readonly kind: "answered"; readonly id: number; readonly answered: PeerAnswer }
  | { readonly kind: "refused"; readonly id: number; readonly refusal: Refusal }
  | { readonly kind: "servers"; readonly id: number; readonly servers: readonly LinkedServer[] }
  /** A link has come or has ended. */
  | { readonly kind: "link"; readonly server: string; readonly linked: boolean }
  | {
    readonly kind: "send";
    readonly pipe: number;
    readonly json: string;
    readonly body: Uint8Array | undefined;
  }
  /** A frame was dealt with: one more may be read. */
  | { readonly kind: "more"; readonly pipe: number }
  | { readonly kind: "drain"; readonly pipe: number; readonly bytes: number }
  | { readonly kind: "probe"; readonly pipe: number; readonly ms: number }
  | { readonly kind: "close"; readonly pipe: number };

/** The port, with everything that is said in one turn of the event loop in one message: each costs far more than what it says. */
export class GatheringPort<Said, Heard> {
  readonly #port: MessagePort;
  #gathered: Said[] = [];

  constructor(port: MessagePort, hear: (message: Heard) => void) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<readonly Heard[]>) => {
      for (const message of data) hear(message);
    };
  }

  tell(message: Said): void {
    if (this.#gathered.length === 0) queueMicrotask(() => this.#send());
    this.#gathered.push(message);
  }

  #send(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    this.#port.postMessage(gathered);
  }
}
