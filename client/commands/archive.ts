/** One-shot commands about the archive and about the account's own devices. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { Engine } from "../engine/api.ts";
import { describeArchive, describeSwitch } from "../ui/archive.ts";
import { describeOwnDevice, deviceBy, otherDeviceBy } from "../ui/devices.ts";
import { targetOf } from "../ui/target.ts";
import { archivedJson, archiveJson, deviceJson, jsonLine } from "./json.ts";
import { connectAndCatchUp, remark, type Run, styleOf, withEngine } from "./session.ts";

/** Connects without live messages. */
async function connect(run: Run, engine: Engine): Promise<void> {
  await engine.start({ receive: false, keepTrying: false, signal: run.signal });
}

/** Shows how much of the account's history is archived and here, after bringing both up to date. */
export async function archiveStatus(run: Run): Promise<void> {
  await withEngine(run, async (engine) => {
    await connectAndCatchUp(run, engine);
    const status = await engine.archive.settled(run.signal);
    run.world.out(run.flags.json ? jsonLine(archiveJson(status)) : describeArchive(status));
  });
}

/** Turns the archive of a conversation on or off. */
export async function archiveSwitch(
  run: Run,
  { to, kept }: { readonly to: string; readonly kept: boolean },
): Promise<void> {
  await withEngine(run, async (engine) => {
    await connectAndCatchUp(run, engine);
    await engine.archive.settled(run.signal);
    const switched = await engine.archive.keep(targetOf(to), kept);
    remark(run, describeSwitch(to, { kept, switched }));
    if (run.flags.json) {
      run.world.out(jsonLine(archivedJson({ conversation: to, kept }, switched)));
    }
  });
}

/** Lists the account's own devices. */
export async function devices(run: Run): Promise<void> {
  await withEngine(run, async (engine) => {
    await connect(run, engine);
    for (const device of await engine.devices.list()) {
      const { utc } = styleOf(run);
      run.world.out(
        run.flags.json ? jsonLine(deviceJson(device)) : describeOwnDevice(device, utc),
      );
    }
  });
}

/** Calls a device something else. */
export async function renameDevice(
  run: Run,
  { id, label }: { readonly id: string | undefined; readonly label: string | undefined },
): Promise<void> {
  if (id === undefined || label === undefined) {
    throw new ExitError(
      "usage",
      "Which device, and what is it called? sealpost client devices rename ID LABEL",
    );
  }
  await withEngine(run, async (engine) => {
    await connect(run, engine);
    const { device } = deviceBy(id, await engine.devices.list());
    await engine.devices.rename(device, label);
    remark(run, "Renamed.");
    await printDevice(run, engine, device);
  });
}

/** Takes a device out of the account for good: it can neither send nor read from then on. */
export async function revokeDevice(run: Run, id: string | undefined): Promise<void> {
  if (id === undefined) {
    throw new ExitError("usage", "Which device? sealpost client devices revoke ID");
  }
  await withEngine(run, async (engine) => {
    await connect(run, engine);
    const device = otherDeviceBy(id, await engine.devices.list());
    if (device.revoked) remark(run, "That device was removed before.");
    else {
      await engine.devices.revoke(device.device);
      remark(run, `Removed ${device.device}. Change the password if somebody else may know it.`);
    }
    await printDevice(run, engine, device.device);
  });
}

/** With `--json` the device as it is now. */
async function printDevice(run: Run, engine: Engine, device: string): Promise<void> {
  if (!run.flags.json) return;
  run.world.out(jsonLine(deviceJson(deviceBy(device, await engine.devices.list()))));
}
