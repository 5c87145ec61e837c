/** What the interactive client keeps in the profile, and what it asks of it again and again, without the network. */
import type { Target } from "./api_target.ts";

/** What is known of a conversation on this device. */
export interface ConversationFacts {
  /** With one person: whether their key is the one that was compared. Absent for groups and the lobby. */
  readonly key?: "verified" | "unverified" | "changed";
  /** Of a group: how many are in it, and of how many of the others the key was compared. */
  readonly members?: { readonly count: number; readonly verified: number };
  /** Milliseconds that messages stay; 0: for ever. */
  readonly lifetime: number;
  /** The server that cannot be reached just now and without which nothing goes out; by its name here. */
  readonly away?: string;
}

/** Of which messages somebody wants to be told by the terminal. */
export type AlertScope = "off" | "mentions" | "all";

/** How, and of what. */
export interface AlertSettings {
  readonly by: "bell" | "osc9" | "osc777";
  /** Where nothing else is said. */
  readonly scope: AlertScope;
  /** Whether the text goes along, and not only who wrote. */
  readonly text: boolean;
  /** Conversations for which something else holds, by their addresses in lower case. */
  readonly conversations: Readonly<Record<string, AlertScope>>;
}

/** The desk of one profile, shared by all its windows. */
export interface Desk {
  /** Lines that were entered at earlier times or in other windows, earliest first. */
  earlierLines(): readonly string[];
  /** Keeps a line; not what goes to a conversation (`target`) whose messages disappear, and nothing that is very long. It goes again with the message that came of it. */
  keepLine(line: string, target?: Target): void;
  facts(target: Target): ConversationFacts;
  alerts(): AlertSettings;
  setAlerts(settings: AlertSettings): void;
}
