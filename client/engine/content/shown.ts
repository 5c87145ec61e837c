/** What visible content looks like in the store, by kind. */
import { fileLine } from "./file.ts";
import type { MessageContent } from "../../store/messages.ts";
import {
  type BodyOf,
  type DraftOf,
  isSilentName,
  type KindName,
  type VisibleName,
} from "./kinds.ts";

/** What is kept of it beside sender and signature: at least the text that stands in its line. */
export type Shown = Omit<MessageContent, "from" | "account" | "signed" | "draft">;

const lines: { readonly [Name in VisibleName]: (body: BodyOf<Name>) => Shown } = {
  text: ({ text, reply }) => ({ text, ...(reply === undefined ? {} : { reply }) }),
  file: (file) => ({ text: fileLine(file), file }),
};

/** The line of visible content. */
export function shownContent({ kind, body }: DraftOf<VisibleName>): Shown {
  // The draft gives kind and body together; TypeScript does not follow that through the index.
  const line: (body: never) => Shown = lines[kind];
  const shown = line(body as never);
  return kind === "text" ? shown : { ...shown, kind };
}

/** Whether the content makes a line. */
export function isVisible<Value extends { readonly kind: KindName }>(
  value: Value,
): value is Extract<Value, { readonly kind: VisibleName }> {
  return !isSilentName(value.kind);
}
