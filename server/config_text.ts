/**
 * The text of a configuration file: a JSON object (RFC 8259), with `//` and `/*` comments and commas behind the last
 * value, so that settings can be explained and switched off in place. Every value is known by its line. Pure.
 */

/** One setting as it stands in the file. `line` counts from 1. */
export interface Entry {
  readonly name: string;
  readonly value: unknown;
  readonly line: number;
}

/** What a text says, or where it breaks off. */
export type ConfigText =
  | { readonly kind: "read"; readonly entries: readonly Entry[] }
  | { readonly kind: "broken"; readonly line: number; readonly text: string };

/** Nesting that is followed; settings need none. */
const deepest = 16;

class Broken extends Error {
  constructor(readonly at: number, text: string) {
    super(text);
  }
}

/** Reads a file's text. A name that stands there twice is an error: one of the two would be silently without effect. */
export function readConfigText(text: string): ConfigText {
  try {
    return { kind: "read", entries: new Reader(text).entries() };
  } catch (thrown) {
    if (!(thrown instanceof Broken)) throw thrown;
    return { kind: "broken", line: lineAt(text, thrown.at), text: thrown.message };
  }
}

function lineAt(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}

const space = /(?:[\s\ufeff]|\/\/[^\n]*|\/\*[^]*?\*\/)*/y;
// deno-lint-ignore no-control-regex
const string = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const plain = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  entries(): Entry[] {
    this.#match(space);
    if (this.#text[this.#at] !== "{") throw this.#broken("it does not begin with {");
    const entries: Entry[] = [];
    this.#object((name, at, value) => {
      if (entries.some((entry) => entry.name === name)) {
        throw new Broken(at, `"${name}" stands there a second time`);
      }
      entries.push({ name, value, line: lineAt(this.#text, at) });
    }, 0);
    if (this.#at < this.#text.length) throw this.#broken("something stands after the last }");
    return entries;
  }

  /** The rest of an object, from its brace to the space behind it. */
  #object(take: (name: string, at: number, value: unknown) => void, depth: number): void {
    this.#list("}", () => {
      const at = this.#at;
      const name = this.#match(string);
      if (name === undefined) throw this.#broken('a name like "port" is missing here');
      this.#match(space);
      if (!this.#skip(":")) throw this.#broken(`a colon is missing after ${name}`);
      take(JSON.parse(name), at, this.#value(depth + 1));
    });
  }

  #value(depth: number): unknown {
    if (depth > deepest) throw this.#broken("that is nested too deeply");
    const found = this.#match(string) ?? this.#match(plain);
    if (found !== undefined) {
      this.#match(space);
      return JSON.parse(found);
    }
    if (this.#text[this.#at] === "{") {
      const object = new Map<string, unknown>();
      this.#object((name, _at, value) => object.set(name, value), depth);
      return Object.fromEntries(object);
    }
    if (this.#text[this.#at] !== "[") throw this.#broken("a value is missing here");
    const list: unknown[] = [];
    this.#list("]", () => void list.push(this.#value(depth + 1)));
    return list;
  }

  /** Items with commas between, from the opening bracket to the space behind the closing one. */
  #list(end: string, item: () => void): void {
    this.#at++;
    this.#match(space);
    while (!this.#skip(end)) {
      item();
      if (this.#skip(",")) continue;
      if (this.#text[this.#at] !== end) throw this.#broken(`a comma or ${end} is missing here`);
    }
  }

  #skip(mark: string): boolean {
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    this.#match(space);
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #broken(text: string): Broken {
    return new Broken(this.#at, this.#at < this.#text.length ? text : "it ends too early");
  }
}
