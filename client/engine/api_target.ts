/** What a message can be sent to. */

/** Where a message goes: the public lobby, an account, or a group. */
export type Target =
  | { readonly kind: "lobby" }
  | { readonly kind: "direct"; readonly name: string }
  /**
   * `name` without `#`; as somebody typed it, perhaps with `~` and the first digits of the conversation's id. `id` (UUID)
   * decides where it is known.
   */
  | { readonly kind: "group"; readonly name: string; readonly id?: string };
