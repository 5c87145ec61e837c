import assert from "node:assert/strict";
import { AppError } from "../../../lib/base/errors.ts";
import type { Entrance } from "../../../client/engine/api.ts";
import { storiesIn } from "../../kit/stories.ts";
import { House, otherPassword, password } from "./house.ts";
import { Proxy, type Rules } from "./proxy.ts";

const code = (wanted: string) => (error: unknown) =>
  error instanceof AppError && error.code === wanted;
const remember = false;

const story = storiesIn(House.make, "what gets lost on its way");

interface World {
  readonly house: House;
  readonly proxy: Proxy;
  come(machine: string): Promise<Entrance>;
  /** Loses the next request or the next answer from the moment on in which the path exists. */
  lose(what: "request" | "answer", path: () => string | undefined): void;
}

/** A story whose visitors all come over a relay, which loses one message once `path` is there. */
const test = (name: string, use: (world: World) => Promise<void>) =>
  story(name, (house) => withRelay(house, use));

async function withRelay(house: House, use: (world: World) => Promise<void>): Promise<void> {
  await using proxy = new Proxy(house.port);
  await use({
    house,
    proxy,
    come: (machine) => house.come({ machine, address: { host: "127.0.0.1", port: proxy.port } }),
    lose: (what, path) => {
      const verdict = () => isThere(path()) ? "cut" : "pass";
      const rules: Rules = what === "request" ? { toServer: verdict } : { toClient: verdict };
      proxy.rules = rules;
    },
  });
}

function isThere(path: string | undefined): boolean {
  if (path === undefined) return false;
  try {
    Deno.statSync(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** The one profile of a machine, once there is one. */
function profileOf(house: House, machine: string): string | undefined {
  const profiles = `${house.home(machine)}/client/profiles`;
  if (!isThere(profiles)) return undefined;
  const [server] = [...Deno.readDirSync(profiles)];
  if (server === undefined) return undefined;
  const ready = [...Deno.readDirSync(`${profiles}/${server.name}`)]
    .find(({ name }) => !name.endsWith(".tmp"));
  return ready && `${profiles}/${server.name}/${ready.name}`;
}

for (const what of ["request", "answer"] as const) {
  test(`a registration whose ${what} got lost is there at the next login, once`, async ({ house, proxy, come, lose }) => {
    lose(what, () => profileOf(house, "laptop"));
    const entrance = await come("laptop");
    await assert.rejects(entrance.register({ name: `Sam${what}1`, password, remember }));
    proxy.rules = {};
    const other = await come("elsewhere");
    assert.equal(await other.check(`sam${what}1`), what === "answer");
    assert.equal(entrance.hasProfile(`sam${what}1`), true);
    const sam = house.keep(await entrance.login({ name: `sam${what}1`, password, remember }));
    await sam.start({ receive: false, keepTrying: false });
    assert.deepEqual((await sam.key(`sam${what}1`)).devices.length, 1);
    assert.equal(await other.check(`sam${what}1`), true);
  });

  test(`an enrolment whose ${what} got lost is there at the next login, once`, async ({ house, proxy, come, lose }) => {
    await (await (await come("laptop")).register({ name: `Sam${what}2`, password, remember }))
      .stop();
    lose(what, () => profileOf(house, "phone"));
    const entrance = await come("phone");
    await assert.rejects(entrance.login({ name: `sam${what}2`, password, remember }));
    proxy.rules = {};
    const sam = house.keep(await entrance.login({ name: `sam${what}2`, password, remember }));
    await sam.start({ receive: false, keepTrying: false });
    assert.deepEqual((await sam.key(`sam${what}2`)).devices.length, 2);
  });
}

test("registering again goes on where the answer got lost", async ({ house, proxy, come, lose }) => {
  lose("answer", () => profileOf(house, "laptop"));
  const entrance = await come("laptop");
  await assert.rejects(entrance.register({ name: "Sam3", password, remember }));
  proxy.rules = {};
  await assert.rejects(
    entrance.register({ name: "Sam3", password: otherPassword, remember }),
    code("name_taken"),
  );
  const sam = house.keep(await entrance.register({ name: "Sam3", password, remember }));
  await sam.start({ receive: false, keepTrying: false });
});

test("a change of password whose answer got lost has happened; until then both open the profile", async ({ house, proxy, come, lose }) => {
  const entrance = await come("laptop");
  const sam = house.keep(await entrance.register({ name: "Sam4", password, remember }));
  await sam.start({ receive: false, keepTrying: false });
  lose("answer", () => `${sam.self.profile}/profile.key.next`);
  await assert.rejects(sam.changePassword(password, otherPassword));
  await sam.stop();
  // Without the server nobody can tell which one it has.
  proxy.rules = { toServer: () => "cut" };
  for (const typed of [password, otherPassword]) {
    await (await entrance.login({ name: "sam4", password: typed, remember })).stop();
  }
  proxy.rules = {};
  await (await entrance.login({ name: "sam4", password, remember })).stop();
  await assert.rejects(
    entrance.login({ name: "sam4", password, remember }),
    code("invalid_credentials"),
  );
  await (await entrance.login({ name: "sam4", password: otherPassword, remember })).stop();
  const phone = await come("phone");
  await (await phone.login({ name: "sam4", password: otherPassword, remember })).stop();
});

test("a change of password whose request got lost has not happened", async ({ house, proxy, come, lose }) => {
  const entrance = await come("laptop");
  const sam = house.keep(await entrance.register({ name: "Sam5", password, remember }));
  await sam.start({ receive: false, keepTrying: false });
  lose("request", () => `${sam.self.profile}/profile.key.next`);
  await assert.rejects(sam.changePassword(password, otherPassword));
  await sam.stop();
  proxy.rules = {};
  await (await entrance.login({ name: "sam5", password: otherPassword, remember })).stop();
  await assert.rejects(
    entrance.login({ name: "sam5", password: otherPassword, remember }),
    code("invalid_credentials"),
  );
  await (await entrance.login({ name: "sam5", password, remember })).stop();
});
