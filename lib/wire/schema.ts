/** The catalogue as JSON Schema (draft 2020-12), for tools and other implementations. */
import { protocolVersion } from "./handshake.ts";
import { catalogue, type Entry } from "./messages.ts";

/** Plain data: one definition for each message, with who sends it, its role and the states that permit it. */
export function protocolSchema(): object {
  const definitions = Object.entries(catalogue as Record<string, Entry>).map((
    [type, { direction, role, states, schema }],
  ) => [type, { ...schema, "x-direction": direction, "x-role": role, "x-states": states }]);
  return JSON.parse(JSON.stringify({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `sealpost/${protocolVersion}`,
    title: "Messages of the Sealpost protocol",
    anyOf: Object.keys(catalogue).map((type) => ({ $ref: `#/$defs/${type}` })),
    $defs: Object.fromEntries(definitions),
  }));
}
