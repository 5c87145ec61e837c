/** Holds what `--json` prints against the schemas, and remembers what was seen. */
import assert from "node:assert/strict";
import { Compile } from "typebox/compile";

/** A line of `--json`. */
export type JsonLine = Record<string, unknown>;

type Node = Record<string, unknown>;

/** The schema as what is printed by this version has to be: with no field that it does not name. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== "object" || node === null) return node;
  const inner = Object.fromEntries(
    Object.entries(node as Node).map(([name, value]) => [name, closed(value)]),
  );
  return inner["type"] === "object" ? { ...inner, additionalProperties: false } : inner;
}

/** The schemas by the `type` of what they describe. */
export class PrintedLines {
  readonly #checks: ReadonlyMap<string, (value: unknown) => unknown[]>;
  /** Types that were printed. */
  readonly printed = new Set<string>();

  constructor(schemas: Readonly<Record<string, object>>) {
    this.#checks = new Map(
      Object.entries(schemas).map(([type, schema]) => {
        const compiled = Compile(closed(JSON.parse(JSON.stringify(schema))) as object);
        return [type, (value) => compiled.Errors(value)];
      }),
    );
  }

  /** The lines as objects that their schemas accept; `of` names them in a failure. */
  read(text: string, of: string): JsonLine[] {
    const values = text === "" ? [] : text.split("\n").map((line): JsonLine => JSON.parse(line));
    for (const value of values) this.accept(String(value["type"]), value, of);
    return values;
  }

  /** Throws unless the schema of this type accepts the value. */
  accept(type: string, value: JsonLine, of: string): void {
    const errors = this.#checks.get(type);
    assert.ok(errors !== undefined, `${of}: no schema for ${JSON.stringify(value)}`);
    assert.deepEqual(errors(value), [], `${of}: ${JSON.stringify(value)}`);
    this.printed.add(type);
  }
}
