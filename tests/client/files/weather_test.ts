/** Files on bad days: lines break, the server is killed, people give up and try again, on both sides. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Engine } from "../../../client/engine/api.ts";
import type { TransferOptions } from "../../../client/engine/api_files.ts";
import { patience } from "../engine/kit.ts";
import { eventually } from "../../kit/eventually.ts";
import { FaultProxy } from "../engine/proxy.ts";
import { Village } from "../engine/village.ts";

const to = (name: string) => ({ kind: "direct", name }) as const;

interface Fault {
  readonly kind: "cut" | "kill" | "give up";
  /** The part of the file at which it happens. */
  readonly at: number;
}

const faults = fc.array(
  fc.record<Fault>({
    kind: fc.constantFrom("cut", "cut", "kill", "give up"),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { maxLength: 4 },
);

/** Does something again and again, with one fault each time, then without. */
async function throughFaults<T>(
  where: { readonly village: Village; readonly proxy: FaultProxy },
  faults: readonly Fault[],
  transfer: (options: TransferOptions) => Promise<T>,
): Promise<T> {
  for (const { kind, at } of faults) {
    const given = new AbortController();
    let happened: Promise<unknown> | undefined;
    const onProgress = ({ done, total }: { done: number; total: number }) => {
      if (happened !== undefined || done < at * total) return;
      happened = happen(where, kind, given);
    };
    try {
      return await transfer({ onProgress, signal: given.signal });
    } catch (thrown) {
      if (!given.signal.aborted) throw thrown;
    } finally {
      await happened;
    }
  }
  return await transfer({});
}

async function happen(
  { village, proxy }: { readonly village: Village; readonly proxy: FaultProxy },
  kind: Fault["kind"],
  given: AbortController,
): Promise<void> {
  if (kind === "cut") return proxy.cutNow();
  if (kind === "give up") return given.abort();
  await village.server.stop("SIGKILL");
  await village.restart();
}

/** Resolves as soon as the announced file is here. */
async function announced(engine: Engine, id: string): Promise<void> {
  const isHere = async () =>
    (await engine.files.list()).some((file) => file.id === id) || undefined;
  await eventually(engine, isHere, "the announced file");
}

Deno.test("a file comes through whatever breaks on its way, whole, once, and without leftovers", async () => {
  const runs = Number(Deno.env.get("WEATHER_RUNS") ?? 2);
  await using village = await Village.make();
  await using proxy = await FaultProxy.start(village.pinned.port);
  const options = { port: proxy.port };
  const start = async (name: string) => {
    const engine = village.engine(await village.device(name), options);
    await engine.start({ receive: true, keepTrying: true });
    await engine.caughtUp(patience());
    return engine;
  };
  const [alice, bobby] = [await start("alice"), await start("bobby")];
  let count = 0;
  const size = fc.oneof(fc.nat({ max: 3_000_000 }), fc.constantFrom(1, 65_536, 1 << 20));
  await fc.assert(
    fc.asyncProperty(size, faults, faults, async (size, sending, getting) => {
      const name = `file ${count++}.txt`;
      const path = `${village.folder}/${name}`;
      const bytes = new TextEncoder().encode("all weather ".repeat(size / 12 + 1)).subarray(
        0,
        size,
      );
      await Deno.writeFile(path, bytes.length === 0 ? new Uint8Array([65]) : bytes);
      const { id } = await throughFaults(
        { village, proxy },
        sending,
        (options) => alice.files.send({ target: to("bobby"), path }, options),
      );
      await announced(bobby, id);
      const folder = `${village.folder}/saved ${count}`;
      await Deno.mkdir(folder);
      const place = { kind: "folder", path: folder } as const;
      const saved = await throughFaults(
        { village, proxy },
        getting,
        (options) => bobby.files.get({ id, place }, options),
      );
      assert.deepEqual(await Deno.readFile(saved.path), await Deno.readFile(path));
      assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), [name]);
      assert.deepEqual(await alice.files.unfinished(), []);
      assert.equal((await bobby.files.list()).filter((file) => file.id === id).length, 1);
    }),
    { numRuns: runs, endOnFailure: true },
  );
});
