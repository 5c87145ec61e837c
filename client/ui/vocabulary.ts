/** The words of a running chat that can be completed, as its engine knows them. */
import { AppError } from "../../lib/base/errors.ts";
import type { Engine, Target } from "../engine/api.ts";
import { complete, type Vocabulary } from "./completion.ts";
import type { Complete } from "./dialogue.ts";
import { safe } from "./format.ts";
import type { MessageNumbers } from "./numbers.ts";
import { addressOf, sameTarget } from "./target.ts";

/** Messages whose numbers are offered. */
const offered = 20;

/** What a vocabulary is made from. */
export interface VocabularyOptions {
  readonly engine: Engine;
  readonly numbers: MessageNumbers;
  /** Where plain lines go. */
  readonly target: () => Target;
  /** Names that were seen in this chat. */
  readonly seen: ReadonlySet<string>;
  readonly expand: (path: string) => string;
}

/** Completes from the vocabulary as it is at each press of the key. */
export function completing(options: VocabularyOptions): Complete {
  return async (before) => {
    try {
      return await complete(before, await vocabularyOf(options));
    } catch (thrown) {
      // What the server or the database does not tell now cannot be offered; the key does nothing then.
      if (thrown instanceof AppError) return undefined;
      throw thrown;
    }
  };
}

async function vocabularyOf(options: VocabularyOptions): Promise<Vocabulary> {
  const { engine, numbers, target, seen, expand } = options;
  const conversations = await engine.conversations();
  const groups = await engine.groups.list();
  const named = conversations.flatMap(({ target }) =>
    target.kind === "direct" ? [target.name] : []
  );
  const known = [...named, ...[...seen].filter((name) => !/^[#@]/.test(name))];
  const namesIn = (wanted: Target) =>
    groups.find(({ target }) => sameTarget(target, wanted))?.members
      .filter(({ self }) => !self).map(({ name }) => safe(name, 64)) ?? [];
  return {
    people: [...new Set(known.map((name) => safe(name, 64)))]
      .filter((name) => name !== engine.self.name),
    groups: groups.filter(({ standing }) => standing === "active" || standing === "request")
      .map(({ name }) => safe(name, 64)),
    requests: conversations.filter(({ request }) => request === true)
      .map(({ target }) => safe(addressOf(target), 70)),
    members: (group) =>
      Promise.resolve(
        namesIn(group === undefined ? target() : { kind: "group", name: group.replace(/^#/, "") }),
      ),
    files: async () => (await engine.files.list()).map(({ number }) => String(number)),
    messages: async (own) => {
      const last = await engine.history({ target: target(), limit: offered });
      return last.filter((message) => message.kind === "text" && (!own || message.own))
        .map((message) => numbers.of(message)).reverse();
    },
    devices: async () => (await engine.devices.list()).map(({ device }) => device),
    blocked: async () => (await engine.requests.blocked()).map(({ name }) => safe(name, 64)),
    expand,
  };
}
