/** What a gateway worker and the federation worker say to each other over their port. */
import { concat } from "../../lib/base/bytes.ts";
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

/** From a gateway to the federation worker; with a question the body of what is asked. */
export type FromGateway =
  | {
    readonly kind: "ask";
    readonly id: number;
    readonly server: string;
    readonly question: Question;
  }
  | { readonly kind: "servers"; readonly id: number }
  | {
    readonly kind: "open";
    readonly pipe: number;
    readonly id: string;
    readonly identity: string;
    readonly remote: string;
  }
  /** Its bytes are the bodies of these messages, one after another; `lengths` has one for each. */
  | {
    readonly kind: "frame";
    readonly pipe: number;
    readonly messages: readonly Arrived["message"][];
    readonly lengths: readonly number[];
  }
  | { readonly kind: "ended"; readonly pipe: number; readonly failure: Failure | undefined }
  | { readonly kind: "drained"; readonly pipe: number }
  | { readonly kind: "probed"; readonly pipe: number; readonly alive: boolean };

/** From the federation worker to a gateway; with what is to be sent its body. */
export type ToGateway =
  /** Its bytes are the body of the answer. */
  | { readonly kind: "answered"; readonly id: number; readonly answered: Omit<PeerAnswer, "body"> }
  | { readonly kind: "refused"; readonly id: number; readonly refusal: Refusal }
  | { readonly kind: "servers"; readonly id: number; readonly servers: readonly LinkedServer[] }
  /** A link has come or has ended. */
  | { readonly kind: "link"; readonly server: string; readonly linked: boolean }
  | {
    readonly kind: "send";
    readonly pipe: number;
    readonly json: string;
  }
  /** A frame was dealt with: one more may be read. */
  | { readonly kind: "more"; readonly pipe: number }
  | { readonly kind: "drain"; readonly pipe: number; readonly bytes: number }
  | { readonly kind: "probe"; readonly pipe: number; readonly ms: number }
  | { readonly kind: "close"; readonly pipe: number };

/** What crosses the port: messages, and one after another the bytes that each has beside it. */
interface Gathered<Said> {
  readonly messages: readonly Said[];
  readonly lengths: readonly number[];
  readonly bytes: Uint8Array;
}

const nothing = new Uint8Array(0);

/**
 * The port, with everything that is said in one turn of the event loop in one message, and all bytes in one buffer that is handed
 * over: each message and each buffer costs far more than what it holds, and buffers cost the receiver's memory as well.
 */
export class GatheringPort<Said, Heard> {
  readonly #port: MessagePort;
  #gathered: Said[] = [];
  #bodies: (readonly Uint8Array[])[] = [];

  /** `body` is the bytes that came with the message: a view of all that came together. */
  constructor(port: MessagePort, hear: (message: Heard, body: Uint8Array) => void) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<Gathered<Heard>>) => {
      const { messages, lengths, bytes } = data;
      let at = 0;
      for (const [index, message] of messages.entries()) {
        const length = lengths[index] ?? 0;
        hear(message, length === 0 ? nothing : bytes.subarray(at, at += length));
      }
    };
  }

  /** `bodies`: what belongs to the message, one after another. */
  tell(message: Said, ...bodies: readonly Uint8Array[]): void {
    if (this.#gathered.length === 0) queueMicrotask(() => this.#send());
    this.#gathered.push(message);
    this.#bodies.push(bodies);
  }

  #send(): void {
    const [messages, bodies] = [this.#gathered, this.#bodies];
    this.#gathered = [];
    this.#bodies = [];
    const lengths = bodies.map((parts) => parts.reduce((sum, { length }) => sum + length, 0));
    const bytes = concat(...bodies.flat());
    const gathered: Gathered<Said> = { messages, lengths, bytes };
    this.#port.postMessage(gathered, [bytes.buffer]);
  }
}
