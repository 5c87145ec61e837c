import assert from "node:assert/strict";
import { AppError } from "../../../lib/base/errors.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import type { Engine } from "../../../client/engine/api.ts";
import { Profile } from "../../../client/store/profile.ts";
import { storiesIn } from "../../kit/stories.ts";
import { House, otherPassword, password } from "./house.ts";

const code = (wanted: string) => (error: unknown) =>
  error instanceof AppError && error.code === wanted;

async function online(engine: Engine): Promise<Engine> {
  await engine.start({ receive: false, keepTrying: false });
  return engine;
}

Deno.test("a person registers, leaves, and comes back with the password, also without the server", async () => {
  await using house = await House.make();
  const entrance = await house.come({ machine: "laptop" });
  assert.equal(await entrance.check("Sam"), false);
  assert.equal(entrance.hasProfile("sam"), false);
  const sam = await entrance.register({ name: "Sam", password, remember: false });
  assert.equal(await entrance.check("SAM"), true);
  await online(sam);
  await sam.stop();

  const again = await house.come({ machine: "laptop", address: "last" });
  assert.equal(again.lastName, "Sam");
  assert.equal(again.hasProfile("sam"), true);
  assert.equal(again.isRemembered("sam"), false);
  await assert.rejects(
    again.login({ name: "sam", password: otherPassword, remember: false }),
    (error) => code("invalid_credentials")(error) && String(error).includes("incorrect password"),
  );
  await assert.rejects(again.login({ name: "sam", remember: false }), code("invalid_credentials"));
  await house.server.stop();
  const back = house.keep(await again.login({ name: "sam", password, remember: true }));
  assert.deepEqual(back.self, sam.self);
  assert.equal(again.isRemembered("SAM"), true);
  await back.stop();
  const remembered = house.keep(await again.login({ name: "sam", remember: false }));
  await remembered.stop();
  await again.forget("sam");
  assert.equal(again.isRemembered("sam"), false);
});

Deno.test("names and passwords that cannot be are refused before anything is sent", async () => {
  await using house = await House.make();
  const entrance = await house.come({ machine: "laptop" });
  await house.server.stop();
  const remember = false;
  await assert.rejects(entrance.check("a b"), code("invalid_name"));
  await assert.rejects(
    entrance.register({ name: "x", password, remember }),
    code("invalid_name"),
  );
  await assert.rejects(
    entrance.register({ name: "sam", password: "password1", remember }),
    (error) => error instanceof ExitError && error.reason === "notAllowed",
  );
  assert.equal(entrance.hasProfile("sam"), false);
});

const test = storiesIn(House.make, "people who come and go");

test("a name that is taken leaves nothing behind", async (house) => {
  await house.resident("Sam");
  const entrance = await house.come({ machine: "other" });
  await assert.rejects(
    entrance.register({ name: "sAM", password, remember: false }),
    code("name_taken"),
  );
  assert.equal(entrance.hasProfile("sam"), false);
  const same = await house.come({ machine: "Sam" });
  await assert.rejects(
    same.register({ name: "sam", password, remember: false }),
    code("name_taken"),
  );
  assert.equal(same.hasProfile("sam"), true, "the profile that is there stays");
});

test("the password alone brings an account to a new machine; the first one is told", async (house) => {
  const first = await house.resident("Sam2", "laptop");
  const warned = new Promise<string>((resolve) =>
    first.subscribe((event) => {
      if (event.kind === "notification" && event.notification.kind === "device_added") {
        resolve(event.notification.text);
      }
    })
  );
  const entrance = await house.come({ machine: "phone" });
  await assert.rejects(
    entrance.login({ name: "sam2", password: otherPassword, remember: false }),
    code("invalid_credentials"),
  );
  await assert.rejects(
    entrance.login({ name: "nobody", password, remember: false }),
    code("invalid_credentials"),
  );
  assert.equal(entrance.hasProfile("sam2"), false);
  const second = house.keep(await entrance.login({ name: "sam2", password, remember: false }));
  assert.equal(second.self.name, "Sam2");
  assert.equal(second.self.account, first.self.account);
  assert.equal(second.self.fingerprint, first.self.fingerprint);
  assert.notEqual(second.self.device, first.self.device);
  await online(second);
  assert.match(await warned, /was added to your account/);
  const { devices, state } = await first.key("sam2");
  assert.equal(state, "own");
  assert.equal(devices.length, 2);
  assert.deepEqual(
    devices.filter(({ current }) => current).map(({ device }) => device),
    [first.self.device],
  );
});

test("a removed device is told what to do, and can be set up anew", async (house) => {
  const first = await house.resident("Sam3", "laptop");
  const entrance = await house.come({ machine: "phone" });
  const second = house.keep(await entrance.login({ name: "sam3", password, remember: true }));
  await first.revokeDevice(second.self.device);
  await assert.rejects(
    online(second),
    (error) => code("device_revoked")(error) && String(error).includes(second.self.profile),
  );
  await second.stop();
  await Deno.rename(second.self.profile, `${second.self.profile}.old`);
  const third = house.keep(await entrance.login({ name: "sam3", password, remember: false }));
  await online(third);
  const { devices } = await first.key("sam3");
  assert.deepEqual(devices.map(({ revoked }) => revoked).sort(), [false, false, true]);
  await assert.rejects(first.revokeDevice("A".repeat(43)), code("not_found"));
});

test("a new password counts everywhere: here, on new machines and on those set up before", async (house) => {
  const first = await house.resident("Sam4", "laptop");
  const phone = await house.come({ machine: "phone" });
  await (await phone.login({ name: "sam4", password, remember: false })).stop();
  await assert.rejects(
    first.changePassword(otherPassword, "yet another zebra clip 17"),
    code("invalid_credentials"),
  );
  await assert.rejects(
    first.changePassword(password, "sam12345"),
    (error) => error instanceof ExitError && error.reason === "notAllowed",
  );
  assert.equal(await first.isPassword("yet another zebra clip 17"), false);
  assert.equal(await first.isPassword(password), true);
  await first.changePassword(password, otherPassword);
  assert.equal(await first.isPassword(password), false);
  assert.equal(await first.isPassword(otherPassword), true);
  await first.stop();
  const laptop = await house.come({ machine: "laptop" });
  const remember = false;
  await assert.rejects(
    laptop.login({ name: "sam4", password, remember }),
    code("invalid_credentials"),
  );
  await (await laptop.login({ name: "sam4", password: otherPassword, remember })).stop();
  // The phone's profile is still under the old password; the account opens it with the new one.
  const moved = house.keep(await phone.login({ name: "sam4", password: otherPassword, remember }));
  await online(moved);
  await moved.stop();
  await assert.rejects(
    phone.login({ name: "sam4", password, remember }),
    code("invalid_credentials"),
  );
  const tablet = await house.come({ machine: "tablet" });
  await online(house.keep(await tablet.login({ name: "sam4", password: otherPassword, remember })));
});

test("two processes use one profile at once; a copy of it is refused while they do", async (house) => {
  await (await house.resident("Sam5", "laptop")).stop();
  // While nobody writes into it: a copy of files that change is no profile.
  await copyFolder(house.home("laptop"), house.home("copied"));
  const entrance = await house.come({ machine: "laptop" });
  const enter = async () =>
    await online(house.keep(await entrance.login({ name: "sam5", remember: false })));
  const [first, second] = [await enter(), await enter()];
  // Who was in an earlier story may be on the way out still.
  const shown = (await second.users("online")).filter(({ name }) => name === "Sam5");
  assert.equal(shown.length, 1);
  const elsewhere = await house.come({ machine: "copied" });
  const copy = house.keep(await elsewhere.login({ name: "sam5", remember: false }));
  await assert.rejects(
    online(copy),
    (error) => code("already_logged_in")(error) && String(error).includes("copy"),
  );
  await copy.stop();
  await first.stop();
  await second.stop();
  const later = house.keep(await elsewhere.login({ name: "sam5", remember: false }));
  await online(later);
});

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

test("a profile can stand in a folder of one's choice, which knows its server and its name", async (house) => {
  const profile = `${house.folder}/stick/profile`;
  const entrance = await house.come({ machine: "laptop", profile });
  assert.equal(entrance.lastName, undefined);
  const sam = await entrance.register({ name: "Sam6", password, remember: true });
  assert.equal(sam.self.profile, profile);
  await sam.stop();
  const again = await house.come({ machine: "laptop", profile, address: "last" });
  assert.equal(again.lastName, "Sam6");
  assert.equal(again.hasProfile("sam6"), true);
  assert.equal(again.hasProfile("erik6"), false);
  const foreign = { name: "erik6", password, remember: false };
  const usage = (error: unknown) => error instanceof ExitError && error.reason === "usage";
  await assert.rejects(again.login(foreign), usage);
  await assert.rejects(again.register(foreign), usage);
  assert.equal(again.hasProfile("../profile"), false);
  await online(house.keep(await again.login({ name: "sam6", remember: false })));
});

test("without an address and without a last server the way is unknown", async (house) => {
  await assert.rejects(
    house.come({ machine: "new", address: "last" }),
    (error) => error instanceof ExitError && error.reason === "usage",
  );
});

test("a damaged profile is refused with exit code 8 and stays as it is", async (house) => {
  const sam = await house.resident("Sam8", "laptop");
  await sam.stop();
  const path = `${sam.self.profile}/profile.key`;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace(/[A-Z]/, "-"));
  const damaged = await Deno.readTextFile(path);
  const entrance = await house.come({ machine: "laptop" });
  await assert.rejects(
    entrance.login({ name: "sam8", password, remember: false }),
    (error) => error instanceof ExitError && error.exitCode === 8,
  );
  assert.equal(await Deno.readTextFile(path), damaged);
  await Deno.writeTextFile(path, text);
  const profile = await Profile.unlock(sam.self.profile, { kind: "password", password });
  profile.close();
});

test("what was said can be proved from both sides, and what is known of a key is shown", async (house) => {
  const sam = await house.resident("Sam9");
  const erik = await house.resident("erik9");
  const seen = await sam.key("ERIK9");
  assert.equal(seen.state, "unverified");
  assert.equal(seen.fingerprint, erik.self.fingerprint);
  assert.equal(seen.safetyNumber, (await erik.key("sam9")).safetyNumber);
  assert.match(seen.safetyNumber ?? "", /^(\d{5} ){11}\d{5}$/);
  await sam.setVerified("erik9", true);
  assert.equal((await sam.key("erik9")).state, "verified");
  await sam.setVerified("erik9", false);
  assert.equal((await sam.key("erik9")).state, "unverified");
  await assert.rejects(sam.setVerified("sam9", true), code("blocked"));
  await assert.rejects(sam.key("nobody"), code("no_such_user"));
  const own = await sam.key("sam9");
  assert.equal(own.state, "own");
  assert.equal(own.safetyNumber, undefined);
  assert.equal(await sam.exists("erik9"), true);
  assert.equal(await sam.exists("nobody"), false);
  const everybody = (await sam.users("all")).filter(({ name }) => name.endsWith("9"));
  assert.deepEqual(everybody.map(({ name, self }) => [name, self]), [
    ["erik9", false],
    ["Sam9", true],
  ]);
});
