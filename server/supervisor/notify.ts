/**
 * Telling the service manager how things stand: datagrams to the socket that NOTIFY_SOCKET names (sd_notify(3)). Without
 * that variable nobody wants to know.
 */
import type { Logger } from "../../lib/base/log.ts";

/** What is told: assignments of sd_notify(3), one a line. */
export type Notice = "READY=1" | "STOPPING=1";

/** Tells the manager; `path` is NOTIFY_SOCKET. Never rejects: a server does not stop because nobody listens. */
export async function notifyManager(
  path: string | undefined,
  notice: Notice,
  { logger }: { readonly logger: Logger },
): Promise<void> {
  if (path === undefined || path === "") return;
  try {
    // Abstract sockets ("@...") have no path; systemd has used a path since long before the versions that matter.
    if (!path.startsWith("/")) throw new TypeError(`${path} is not a path`);
    await send(path, `${notice}\n`);
  } catch (thrown) {
    logger.log("warning", "manager_not_told", { notice, cause: String(thrown) });
  }
}

/** A sender needs an address of its own here, which is gone again afterwards. */
async function send(path: string, text: string): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "sealpost-" });
  try {
    const own = { transport: "unixpacket", path: `${folder}/notify.sock` } as const;
    const socket = Deno.listenDatagram(own);
    try {
      await socket.send(new TextEncoder().encode(text), { transport: "unixpacket", path });
    } finally {
      socket.close();
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
