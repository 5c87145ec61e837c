/**
 * Where the admin socket is: `admin.sock` in the data folder. A socket's path may have little more than 100 bytes; for a
 * folder too deep for that the socket stands in a private folder of its own, and `admin.path` in the data folder says
 * where.
 */

/** Bytes that the path of a socket may have: 104 on some systems, its end included (sockaddr_un). */
const longestPath = 100;

const names = { socket: "admin.sock", pointer: "admin.path" };

/** The socket's path for a server about to listen; makes its folder where one is needed. Removes what a killed server left. */
export function placeSocket(dataFolder: string): string {
  removeSocket(dataFolder);
  const path = `${dataFolder}/${names.socket}`;
  if (new TextEncoder().encode(path).length <= longestPath) return path;
  const own = `${Deno.makeTempDirSync({ prefix: "sealpost-" })}/${names.socket}`;
  Deno.writeTextFileSync(`${dataFolder}/${names.pointer}`, own, { mode: 0o600 });
  return own;
}

/** The path under which a server of this folder listens, if one does. */
export function findSocket(dataFolder: string): string {
  return pointed(dataFolder) ?? `${dataFolder}/${names.socket}`;
}

/** Removes the socket and what belongs to it, where they are. */
export function removeSocket(dataFolder: string): void {
  const elsewhere = pointed(dataFolder);
  if (elsewhere !== undefined) {
    removeIfThere(elsewhere);
    removeIfThere(elsewhere.slice(0, -names.socket.length - 1));
    removeIfThere(`${dataFolder}/${names.pointer}`);
  }
  removeIfThere(`${dataFolder}/${names.socket}`);
}

/** Only a path of the form that `placeSocket` makes: nothing else is ever removed on the word of a file. */
function pointed(dataFolder: string): string | undefined {
  const text = readIfThere(`${dataFolder}/${names.pointer}`);
  return text !== undefined && /^\/.*\/sealpost-[^/]+\/admin\.sock$/.test(text) ? text : undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
