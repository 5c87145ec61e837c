/** What the storage side tells of commits, carried to the sessions that it concerns. */
import { AppError } from "../../lib/base/errors.ts";
import type { Message } from "../../lib/wire/messages.ts";
import type { Nudge, SessionKey } from "../operations/contract.ts";
import { PresenceChanges } from "./presence.ts";
import { rowText } from "./push.ts";
import type { Ready, Services, Session } from "./session.ts";

/**
 * Telling everybody costs one signed frame each: with many sessions changes of presence gather longer, so that they
 * never take more than a thousand frames in a second.
 */
const msPerReader = 1;

/** Takes nudges of one gateway. */
export class NudgeRouter {
  readonly #services: Services;
  readonly #presence: PresenceChanges;

  constructor(services: Services) {
    this.#services = services;
    this.#presence = new PresenceChanges(services.clock, {
      gatherMs: () => Math.max(services.limits.presenceMs, services.sessions.size * msPerReader),
      send: (json) => this.#toAll(json),
    });
  }

  /** Handles what one commit brought. */
  take(nudges: readonly Nudge[]): void {
    for (const nudge of nudges) {
      try {
        this.#one(nudge);
      } catch (thrown) {
        // One that cannot be told costs those it was for some time; the others must hear theirs.
        const cause = String(thrown);
        this.#services.logger.log("error", "nudge_failed", { kind: nudge.kind, cause });
      }
    }
  }

  #one(nudge: Nudge): void {
    switch (nudge.kind) {
      case "log":
        return this.#mark(nudge);
      case "receipt": {
        const { kind: type, devices, ...fields } = nudge;
        return this.#toDevices(devices, { type, ...fields });
      }
      case "removals": {
        const { kind: _, devices, ...fields } = nudge;
        return this.#toDevices(devices, { type: "conversation.removals", ...fields });
      }
      case "state": {
        const { kind: _, devices, ...fields } = nudge;
        return this.#toDevices(devices, { type: "conversation.state", ...fields });
      }
      case "archive": {
        const { kind: type, devices, ...fields } = nudge;
        return this.#toDevices(devices, { type, ...fields });
      }
      case "lobby":
        return this.#toAll(JSON.stringify({ type: "lobby", ...nudge.post }));
      case "notification":
        return this.#toDevices(nudge.devices, { type: "notification", ...nudge.notification });
      case "presence":
        return this.#presence.add(nudge.user);
      case "peers":
        for (const { routes } of this.#services.sessions.all()) routes.forget();
        return;
      case "discard":
        return;
      case "replaced":
        return this.#replaced(nudge.target);
      case "revoked":
        return this.#end(nudge.device, "device_revoked");
      case "disabled":
        return this.#end(nudge.device, "account_disabled");
      case "deleted":
        return this.#end(nudge.device, "account_deleted");
      case "probe":
        return this.#probe(nudge);
      case "probed":
        return this.#services.probes.settle(nudge.probe, nudge.alive);
    }
  }

  /** Rows that came along go out at once where all before them have; elsewhere the log is read. */
  #mark({ conversation, seq, devices, rows = [] }: Nudge & { kind: "log" }): void {
    const texts = rows.map(rowText);
    for (const device of devices) {
      for (const { phase } of this.#services.sessions.ofDevice(device)) {
        if (phase.kind !== "ready") continue;
        if (!phase.push.offer(conversation, texts)) phase.push.mark(conversation, seq);
      }
    }
  }

  #toDevices(
    devices: readonly string[],
    message: Message<
      "receipt" | "notification" | "archive" | "conversation.removals" | "conversation.state"
    >,
  ): void {
    const json = JSON.stringify(message);
    for (const device of devices) {
      for (const session of this.#services.sessions.ofDevice(device)) {
        if (wantsEvents(session)) session.connection.sendEncoded(json);
      }
    }
  }

  #toAll(json: string): void {
    for (const session of this.#services.sessions.all()) {
      if (wantsEvents(session)) session.connection.sendEncoded(json);
    }
  }

  #replaced(target: SessionKey): void {
    if (target.gateway !== this.#services.gateway) return;
    const session = this.#services.sessions.get(target.session);
    if (session === undefined) return;
    session.connection.send({ type: "session.replaced" });
    session.leave();
    void session.connection.close();
  }

  #end(device: string, code: "device_revoked" | "account_disabled" | "account_deleted"): void {
    for (const session of [...this.#services.sessions.ofDevice(device)]) {
      session.leave();
      void session.connection.close(new AppError(code));
    }
  }

  #probe({ target, probe }: Nudge & { kind: "probe" }): void {
    const { gateway, probes, logger } = this.#services;
    if (target.gateway !== gateway) return;
    probes.answer(target, probe).catch((thrown: unknown) => {
      logger.log("error", "probe_failed", { cause: String(thrown) });
    });
  }
}

/** Whether the session is logged in and wants live events. */
export function wantsEvents(session: Session): session is Session & { phase: Ready } {
  return session.phase.kind === "ready" && session.phase.push.on;
}
