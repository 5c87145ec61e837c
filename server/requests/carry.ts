/** Every request that servers hand on to each other, by its type. */
import type { RequestType } from "../../lib/wire/messages.ts";
import type { Answer, HandOn } from "./answer.ts";
import type { Asker, Carriers, HandedRequest, HandedType } from "./asker.ts";
import { claimCarriers } from "./claims.ts";
import { conversationCarriers } from "./conversations.ts";
import { fileCarriers } from "./files.ts";
import { repairCarriers } from "./repairs.ts";

const carriers: Carriers = {
  ...conversationCarriers,
  ...repairCarriers,
  ...claimCarriers,
  ...fileCarriers,
};

/** Carries a request out, or answers that another server has to be asked. Throws `AppError` where storage fails. */
export function carry<T extends HandedType & RequestType>(
  type: T,
  asker: Asker,
  request: HandedRequest<T>,
): Promise<Answer<T> | HandOn> {
  return carriers[type](asker, request);
}
