/** Refusing commits that cannot be applied, and making groups anew. */
import type { RequestHandlers } from "../handler_types.ts";
import { carryOrHandOn } from "../hand_on.ts";

/** Handlers of `conversation.refuse` and `conversation.recreate`. */
export const repairHandlers: RequestHandlers<"conversation.refuse" | "conversation.recreate"> = {
  "conversation.refuse": (session, arrived) =>
    carryOrHandOn(session, "conversation.refuse", arrived),

  "conversation.recreate": (session, arrived) =>
    carryOrHandOn(session, "conversation.recreate", arrived),
};
