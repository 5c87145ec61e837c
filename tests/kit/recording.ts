/** An engine that tells which of its actions are used. */
import type { Engine } from "../../client/engine/api.ts";

/** The engine itself, behind a listener that is told `send`, `content.edit` and so on. */
export function recording(engine: Engine, told: (action: string) => void): Engine {
  return watched(engine, "", told);
}

function watched<T extends object>(target: T, path: string, told: (action: string) => void): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof name === "symbol") return value;
      if (typeof value === "function") {
        return (...given: unknown[]) => {
          told(`${path}${name}`);
          return value.apply(target, given);
        };
      }
      const isRoom = path === "" && name !== "self" && typeof value === "object" && value !== null;
      return isRoom ? watched(value, `${name}.`, told) : value;
    },
  });
}
