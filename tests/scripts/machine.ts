/** A make-believe machine for the start scripts: a copy of them in a folder of its own, and a PATH made to measure. */

const tree = decodeURIComponent(new URL("../../", import.meta.url).pathname);
/** What the scripts may expect of any POSIX system. */
const tools = ["sh", "cat", "cksum", "dirname", "head", "mkdir", "mktemp", "mv"].concat(
  ["chmod", "readlink", "rm", "sed", "sleep", "tr", "uname"],
);

/** What a run ended with. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One machine; give it programs, then run the scripts on it, then dispose of it. */
export class Machine implements AsyncDisposable {
  private constructor(readonly home: string) {}

  /** A machine with the scripts, in a folder with a space in its name, and no Deno, npm or executable. */
  static async make(): Promise<Machine> {
    const home = await Deno.makeTempDir({ prefix: "sealpost machine " });
    const machine = new Machine(home);
    await Deno.mkdir(`${home}/bin`);
    await Deno.mkdir(`${home}/tree/scripts`, { recursive: true });
    for (const file of ["startServer.sh", "startClient.sh", "scripts/launch.sh"]) {
      await Deno.copyFile(tree + file, `${home}/tree/${file}`);
    }
    for (const file of ["scripts/flags.sh", "scripts/flags"]) {
      await Deno.copyFile(tree + file, `${home}/tree/${file}`);
    }
    await Deno.writeTextFile(`${home}/tree/deno.lock`, '{"version":"5"}');
    await Deno.writeTextFile(`${home}/tree/deno.json`, '{"nodeModulesDir":"none"}');
    for (const tool of tools) await Deno.symlink(await pathOf(tool), `${home}/bin/${tool}`);
    return machine;
  }

  /** Puts a shell script with this body somewhere under the machine's folder. */
  async script(path: string, ...lines: string[]): Promise<void> {
    await Deno.writeTextFile(`${this.home}/${path}`, ["#!/bin/sh", ...lines, ""].join("\n"));
    await Deno.chmod(`${this.home}/${path}`, 0o755);
  }

  /** A program named `deno` on the PATH that says it is this version and otherwise prints its arguments. */
  async fakeDeno(version: string, path = "bin/deno"): Promise<void> {
    await this.script(path, ...fakeDenoLines(version));
  }

  /** A program named `npm` that runs these lines. */
  async npm(...lines: string[]): Promise<void> {
    await this.script("bin/npm", ...lines);
  }

  /** One that installs the fake Deno, once so many have begun to. */
  async fakeNpm(together = 1): Promise<void> {
    await this.npm(
      ': >"$HOME/npm.$$"',
      `while (set -- "$HOME"/npm.*; [ $# -lt ${together} ]); do sleep 0.05; done`,
      'mkdir -p "$3/node_modules/@deno/any"',
      "file=$3/node_modules/@deno/any/deno",
      `cat >"$file" <<'END'`,
      "#!/bin/sh",
      ...fakeDenoLines("2.9.6"),
      "END",
      'chmod 755 "$file"',
    );
  }

  /** Starts a script of the tree, from the folder above it unless told otherwise. */
  start(script: string, args: string[], path = `${this.home}/tree/${script}`): Deno.ChildProcess {
    return new Deno.Command(path, {
      args,
      cwd: this.home,
      clearEnv: true,
      env: { PATH: `${this.home}/bin`, HOME: this.home },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Runs a script of the tree to its end. */
  async run(script: string, args: string[] = [], path?: string): Promise<Ended> {
    const { code, stdout, stderr } = await this.start(script, args, path).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: text(stdout), err: text(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.home, { recursive: true });
  }
}

/** Each argument in brackets, so that a space inside one shows. */
export const printArguments = `printf '[%s]' "$@"; printf '\\n'`;

function fakeDenoLines(version: string): string[] {
  return [
    `case $1 in`,
    `--version) echo "deno ${version} (stable, release, any)";;`,
    `eval) echo "$0";;`,
    `install) :;;`,
    `*) ${printArguments};;`,
    `esac`,
  ];
}

async function pathOf(tool: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${tool}`] }).output();
  return new TextDecoder().decode(stdout).trim();
}
