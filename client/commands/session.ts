/** From flags to an unlocked account, for one-shot commands. */
import { ExitError } from "../../lib/base/exit_codes.ts";
import type { Engine, Entrance, TrustPolicy } from "../engine/api.ts";
import { askTrust } from "../ui/prompts.ts";
import type { LineStyle } from "../ui/format.ts";
import type { ClientFlags } from "./options.ts";
import { password, type PasswordSources } from "./password_input.ts";
import type { World } from "./world.ts";

/** Time limit of a one-shot command, in ms. */
const defaultTimeoutMs = 30_000;

/** How long a command that has done its work waits for messages that others left in the queue, in ms. */
const drainAtEndMs = 500;

/** One run of a one-shot command. */
export interface Run {
  readonly world: World;
  readonly flags: ClientFlags;
  /** The world's signal, and the command's time limit. */
  readonly signal: AbortSignal;
}

/** A run whose signal also ends at `--timeout`; `limitMs` is the default, 0 for none. */
export function beginRun(world: World, flags: ClientFlags, limitMs = defaultTimeoutMs): Run {
  const ms = flags.timeout ?? limitMs;
  if (ms === 0) return { world, flags, signal: world.signal };
  const limit = new AbortController();
  world.clock.after(ms, () =>
    limit.abort(
      new ExitError(
        "network",
        `No answer within ${
          ms / 1000
        } s: try again later, or give it longer with --timeout SECONDS.`,
      ),
    ));
  return { world, flags, signal: AbortSignal.any([world.signal, limit.signal]) };
}

/** What is shown, and how. */
export function styleOf({ world, flags }: Run): LineStyle {
  const styled = flags.color === "always" ||
    (flags.color === "auto" && world.outputIsTerminal && !world.noColor);
  return { utc: flags.utc ?? false, styled, multiline: world.outputIsTerminal };
}

/** A remark on standard error, unless `--quiet`. */
export function remark({ world, flags }: Run, text: string): void {
  if (flags.quiet !== true) world.err(text);
}

/** Where passwords come from in this run. */
export function passwordSources({ world }: Run): PasswordSources {
  return {
    firstInputLine: () => world.nextInputLine(),
    dialogue: () => world.dialogue(),
  };
}

/** How first contact is judged: by `--accept-new`, else by the person, else refused. */
export function trustPolicy(run: Run): TrustPolicy {
  return {
    confirm: async (facts) => {
      if (run.flags.acceptNew === true) return true;
      const dialogue = run.flags.input ? run.world.dialogue() : undefined;
      return dialogue !== undefined && await askTrust(dialogue, facts);
    },
  };
}

/** Opens the entrance that the flags name and hands it to `use`; closes it afterwards. */
export async function withEntrance<T>(
  run: Run,
  use: (entrance: Entrance) => Promise<T>,
): Promise<T> {
  const { flags, world } = run;
  const entrance = await world.openEntrance({
    ...(flags.server === undefined ? {} : { address: flags.server }),
    ...(flags.profile === undefined ? {} : { profile: flags.profile }),
    ...(flags.home === undefined ? {} : { home: flags.home }),
    trust: trustPolicy(run),
    signal: run.signal,
  });
  try {
    return await use(entrance);
  } finally {
    await entrance.close();
  }
}

/** The account that the flags name, else the last one. */
export function accountName(run: Run, entrance: Entrance): string {
  const name = run.flags.user ?? entrance.lastName;
  if (name !== undefined) return name;
  throw new ExitError(
    "usage",
    "No account is known here. Use --user NAME, or first: sealpost client register NAME",
  );
}

/** Unlocks the account, hands its engine to `use`, and stops it afterwards. */
export async function withEngine<T>(
  run: Run,
  use: (engine: Engine) => Promise<T>,
  { drainMs = drainAtEndMs }: { readonly drainMs?: number } = {},
): Promise<T> {
  return await withEntrance(run, async (entrance) => {
    const engine = await unlock(run, entrance);
    try {
      return await use(engine);
    } finally {
      await engine.stop({ drainMs });
    }
  });
}

async function unlock(run: Run, entrance: Entrance): Promise<Engine> {
  const name = accountName(run, entrance);
  const remember = run.flags.remember ?? false;
  const asked = run.flags.passwordFile !== undefined || run.flags.passwordStdin === true;
  if (entrance.isRemembered(name) && !asked) return await entrance.login({ name, remember });
  const given = await password(run.flags, {
    ...passwordSources(run),
    question: `Password of ${name}: `,
  });
  return await entrance.login({ name, password: given, remember });
}

/** Connects with live messages and waits until everything that waited at the server is here. */
export async function connectAndCatchUp(run: Run, engine: Engine): Promise<void> {
  await engine.start({ receive: true, keepTrying: false, signal: run.signal });
  await engine.caughtUp(run.signal);
}
