/** What is shown in the conversation at hand is read, and the server is told so. */
import type { CancelTimer, Clock } from "../../lib/base/clock.ts";
import type { ChatMessage, Engine } from "../engine/api.ts";
import { errorText } from "./format.ts";

/** Read marks are gathered this long, in ms, so that a burst asks the server once. */
const readMarkMs = 250;

/** The read mark of the conversation at hand. It is flushed before another one is turned to. */
export class ReadMarks {
  readonly #options: { readonly engine: Pick<Engine, "markRead">; readonly clock: Clock };
  readonly #tell: (line: string) => void;
  #toMark: ChatMessage | undefined;
  #cancel: CancelTimer | undefined;

  constructor(
    options: { readonly engine: Pick<Engine, "markRead">; readonly clock: Clock },
    tell: (line: string) => void,
  ) {
    this.#options = options;
    this.#tell = tell;
  }

  /** The message was shown where one looks: it, and what stands before it, will be marked as read. */
  soon(message: ChatMessage): void {
    this.#toMark = message;
    this.#cancel ??= this.#options.clock.after(readMarkMs, () => void this.flush());
  }

  /** Marks now what waits to be marked. What goes wrong is said. */
  async flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const message = this.#toMark;
    this.#toMark = undefined;
    if (message === undefined) return;
    try {
      await this.#options.engine.markRead(message);
    } catch (error) {
      this.#tell(`! ${errorText(error)}`);
    }
  }
}
