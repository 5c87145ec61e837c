/** What taking in rows leads to beside the rows themselves. */

/** What working through rows needs of its surroundings. */
export interface IntakeServices {
  /** Asks for the verdict on the thread's pending change. */
  resolve(thread: number): Promise<unknown>;
  /** What the server lists the conversation as. */
  kindOf(conversation: string): Promise<"direct" | "group" | undefined>;
  /** The group of `epoch` cannot go on: join it again, in the background. */
  rejoin(thread: number, epoch: number): void;
  /** What the server lists is asked anew, in the background: a conversation with people of other servers is new here. */
  relist(): void;
  /** Make fresh keys, in the background. */
  renew(thread: number): void;
  /** The thread stands before a commit that cannot be applied here, in the background. */
  dispute(thread: number): void;
  /** A commit of this device was taken back, in the background: these accounts it had removed. */
  replan(thread: number, remove: readonly string[]): void;
  /** This account has read further, without a person's doing. */
  readFurther(thread: number): void;
  /** A batch could not be stored. */
  failed(thrown: unknown): void;
}
