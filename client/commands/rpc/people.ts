/** Methods about accounts, keys, notifications and the own account. */
import Type from "typebox";
import { AppError } from "../../../lib/base/errors.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { textLimits } from "../../../lib/base/limits.ts";
import { checkDigits } from "../compare.ts";
import {
  archiveJson,
  blockedJson,
  checkJson,
  deviceJson,
  directoryJson,
  keyJson,
  notificationJson,
  userJson,
} from "../json.ts";
import { deviceBy, otherDeviceBy } from "../../ui/devices.ts";
import { count, flag, list, maybe } from "../../../lib/base/json_schema.ts";
import {
  archive,
  blocked,
  check,
  device,
  directory,
  key,
  notification,
  user,
} from "../schemas/outputs.ts";
import { method } from "./define.ts";

const name = Type.String({ minLength: 1, maxLength: 128, description: "an account's name" });
const password = Type.String({ minLength: 1, maxLength: textLimits.passwordMax });
const deviceId = Type.String({ maxLength: 64, description: "the beginning of a device's key" });

const plain = (given: string) => given.replace(/^@/, "");

/** Methods about others. */
export const peopleMethods = {
  "user.list": method({
    about: "Accounts that are online, or all of them",
    params: { all: maybe(Type.Boolean()) },
    result: { users: list(user) },
    example: { all: true },
    run: async ({ engine }, { all = false }) => ({
      users: (await engine.users(all ? "all" : "online")).map(userJson),
    }),
  }),
  "user.check": method({
    about: "Whether an account exists",
    params: { name },
    result: { check },
    example: { name: "sam" },
    run: async ({ engine }, { name: given }) => ({
      check: checkJson(plain(given), await engine.exists(plain(given))),
    }),
  }),
  "user.key": method({
    about: "An account's key, with its safety number and devices; without a name one's own",
    params: { name: maybe(name) },
    result: { key },
    example: { name: "sam" },
    run: async ({ engine }, { name: given = engine.self.name }) => ({
      key: keyJson(await engine.key(plain(given))),
    }),
  }),
  "user.verify": method({
    about: "Confirms a contact by the 60 digits as the other side reads them; trust error if not",
    params: { name, digits: Type.String({ maxLength: 200 }) },
    result: { key },
    example: {
      name: "sam",
      digits: "05501 33389 48553 13823 63673 14714 40274 73078 62809 84469 90303 88736",
    },
    run: async ({ engine }, { name: given, digits }) => {
      const info = await engine.key(plain(given));
      checkDigits(info, digits);
      await engine.setVerified(info.name, true);
      return { key: keyJson(await engine.key(info.name)) };
    },
  }),
  "user.unverify": method({
    about: "Takes a confirmation back",
    params: { name },
    result: { key },
    example: { name: "sam" },
    run: async ({ engine }, { name: given }) => {
      await engine.setVerified(plain(given), false);
      return { key: keyJson(await engine.key(plain(given))) };
    },
  }),
  "user.block": method({
    about:
      "Accepts nothing more from an account, or (@SERVER) from everybody of a linked server, and hides what they say in groups",
    params: { name },
    result: { name, blocked: flag },
    example: { name: "mallory" },
    run: async ({ engine }, { name: given }) => {
      return { name: await engine.requests.block(given), blocked: true };
    },
  }),
  "user.unblock": method({
    about: "Ends that",
    params: { name },
    result: { name, blocked: flag },
    example: { name: "mallory" },
    run: async ({ engine }, { name: given }) => {
      return { name: await engine.requests.unblock(given), blocked: false };
    },
  }),
  "user.blocked": method({
    about: "Accounts and linked servers that are blocked",
    params: {},
    result: { blocked: list(blocked) },
    example: {},
    run: async ({ engine }) => ({
      blocked: (await engine.requests.blocked()).map(blockedJson),
    }),
  }),
  "notification.list": method({
    about: "New notifications, or all; they stay new",
    params: { all: maybe(Type.Boolean()) },
    result: { notifications: list(notification) },
    example: {},
    run: async ({ engine }, { all = false }) => ({
      notifications: (await engine.notifications({ unseen: !all })).map(notificationJson),
    }),
  }),
  "notification.seen": method({
    about: "Marks notifications up to an id as seen",
    params: { through: count },
    result: { through: count },
    example: { through: 12 },
    run: async ({ engine }, { through }) => {
      await engine.notificationsSeen(through);
      return { through };
    },
  }),
} as const;

/** Methods about the own account. */
export const accountMethods = {
  "device.list": method({
    about: "The account's own devices",
    params: {},
    result: { devices: list(device) },
    example: {},
    run: async ({ engine }) => ({ devices: (await engine.devices.list()).map(deviceJson) }),
  }),
  "device.rename": method({
    about: "Calls a device something else",
    params: { device: deviceId, label: Type.String({ maxLength: textLimits.deviceLabelChars }) },
    result: { device },
    example: { device: "u8VizD", label: "the cron machine" },
    run: async ({ engine }, { device: id, label }) => {
      const { device: key } = deviceBy(id, await engine.devices.list());
      await engine.devices.rename(key, label);
      return { device: deviceJson(deviceBy(key, await engine.devices.list())) };
    },
  }),
  "device.revoke": method({
    about: "Takes a device out of the account for good",
    params: { device: deviceId },
    result: { device },
    example: { device: "u8VizD" },
    run: async ({ engine }, { device: id }) => {
      const found = otherDeviceBy(id, await engine.devices.list());
      if (!found.revoked) await engine.devices.revoke(found.device);
      return { device: deviceJson(deviceBy(found.device, await engine.devices.list())) };
    },
  }),
  "archive.status": method({
    about: "The archive of the account's history; with `settle` after bringing both up to date",
    params: { settle: maybe(Type.Boolean()) },
    result: { archive },
    example: { settle: true },
    run: async (context, { settle = false }) => {
      const { engine, signal } = context;
      if (!settle) return { archive: archiveJson(engine.archive.status()) };
      await context.caughtUp();
      return { archive: archiveJson(await engine.archive.settled(signal)) };
    },
  }),
  "archive.fetch": method({
    about: "Answers when everything that the archive holds has been fetched: for a new device",
    params: {},
    result: { archive },
    example: { timeoutMs: 0 },
    run: async (context) => {
      await context.caughtUp();
      return { archive: archiveJson(await context.engine.archive.fetched(context.signal)) };
    },
  }),
  "directory.state": method({
    about: "The server's directory as this profile saw it, with its alarms",
    params: {},
    result: { directory },
    example: {},
    // deno-lint-ignore require-await -- every method answers later
    run: async ({ engine }) => ({ directory: directoryJson(engine.directory.state()) }),
  }),
  "directory.trust": method({
    about: "Accepts the directory as it is now, after a person has decided so: `yes` must be true",
    params: { yes: Type.Literal(true) },
    result: { before: count, now: count },
    example: { yes: true },
    run: async ({ engine, signal }) => {
      try {
        return await engine.directory.beginAnew(signal);
      } catch (thrown) {
        if (!(thrown instanceof AppError) || thrown.code !== "tampered") throw thrown;
        throw new ExitError("trust", thrown.message, { cause: thrown });
      }
    },
  }),
  "password.check": method({
    about: "Whether this is the account's password; a wrong guess counts as a failed login",
    params: { password },
    result: { right: flag },
    example: { password: "long gravel marmot 77" },
    run: async ({ engine }, { password: given }) => ({ right: await engine.isPassword(given) }),
  }),
  "password.change": method({
    about: "Another password for the account, on all its devices",
    params: { current: password, next: password },
    result: { changed: flag },
    example: { current: "long gravel marmot 77", next: "wide pebble heron 31" },
    run: async ({ engine }, { current, next }) => {
      await engine.changePassword(current, next);
      return { changed: true };
    },
  }),
} as const;
