/** Every method of `client rpc`: dispatch, validation, `sealpost schema rpc` and the documentation are made of this table. */
import { fileMethods } from "./files.ts";
import { groupMethods } from "./groups.ts";
import { conversationMethods, messageMethods } from "./messages.ts";
import { accountMethods, peopleMethods } from "./people.ts";
import { sessionMethods } from "./session.ts";

/** The methods by their names. */
export const methods = {
  ...sessionMethods,
  ...messageMethods,
  ...conversationMethods,
  ...groupMethods,
  ...fileMethods,
  ...peopleMethods,
  ...accountMethods,
} as const;

/** The name of a method. */
export type MethodName = keyof typeof methods;

/** Whether `name` is one. */
export function isMethod(name: string): name is MethodName {
  return Object.hasOwn(methods, name);
}
