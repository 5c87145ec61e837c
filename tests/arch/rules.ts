/**
 * The architecture in tables. A room is a folder, or the single files directly in `server`, `client` or the top.
 * What a table does not allow is refused; there is no list of exceptions.
 */

/** What one room may import of the others: a room as a whole, or one file of it. */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  "lib/base": [],
  "lib/crypto": ["lib/base"],
  "lib/wire": ["lib/base", "lib/crypto"],
  "lib/mls": ["lib/base", "lib/crypto"],
  "lib/directory": ["lib/base", "lib/crypto"],
  "lib/sql": ["lib/base"],

  // contract.ts is plain types: the inputs and results of the operations.
  "server/domain": ["lib/base", "lib/crypto", "lib/directory", "server/operations/contract.ts"],
  "server/tables": [
    "lib/base",
    "lib/crypto",
    "lib/sql",
    "server/domain",
    "server/operations/contract.ts",
  ],
  "server/operations": [
    "lib/base",
    "lib/crypto",
    "lib/directory",
    "server/domain",
    "server/tables",
  ],
  "server/storage": [
    "lib/base",
    "lib/crypto",
    "lib/directory",
    "lib/sql",
    "server/domain",
    "server/operations",
    "server/tables",
  ],
  "server/gateway": [
    "lib/base",
    "lib/crypto",
    "lib/wire",
    "lib/directory",
    "lib/mls/peek.ts",
    "server/domain",
    "server/federation/pipe.ts",
    "server/federation/refused.ts",
    "server/operations/contract.ts",
    "server/requests",
    "server/storage/proxy.ts",
  ],
  // What a session here and a linked server may both ask for, carried out alike.
  "server/requests": [
    "lib/base",
    "lib/crypto",
    "lib/wire",
    "lib/mls/peek.ts",
    "server/operations/contract.ts",
  ],
  "server/federation": [
    "lib/base",
    "lib/crypto",
    "lib/wire",
    "lib/directory",
    "lib/mls/peek.ts",
    "server/domain",
    "server/operations/contract.ts",
    "server/requests",
    "server/storage/proxy.ts",
  ],
  "server/admin": [
    "lib/base",
    "lib/crypto",
    "lib/directory",
    "server/domain",
    "server/operations/contract.ts",
    "server/storage/proxy.ts",
  ],
  // Faces the network like a gateway, and is told text alone.
  "server/metrics": ["lib/base"],
  "server/supervisor": [
    "lib/base",
    "lib/crypto",
    "lib/directory",
    "server/domain",
    "server/operations/contract.ts",
    "server/storage",
    "server/gateway",
    "server/federation",
    "server/metrics",
    "server/admin",
  ],
  // What the operator's commands print with --json.
  "server/schemas": ["lib/base"],
  // Works on files alone, while a server runs or not.
  "server/backup": [
    "lib/base",
    "lib/crypto",
    "lib/sql",
    "server/tables",
    "server/storage",
    "server/admin",
    "server/supervisor",
  ],
  "server": [
    "lib/base",
    "lib/crypto",
    "lib/wire",
    "lib/directory",
    "lib/sql",
    "server/domain",
    "server/tables",
    "server/operations",
    "server/storage",
    "server/gateway",
    "server/federation",
    "server/admin",
    "server/backup",
    "server/schemas",
    "server/supervisor",
  ],

  "client/store": ["lib/base", "lib/crypto", "lib/sql"],
  "client/engine": [
    "lib/base",
    "lib/crypto",
    "lib/wire",
    "lib/mls",
    "lib/directory",
    "client/store",
  ],
  "client/ui": ["lib/base", "lib/crypto", "client/engine"],
  "client/commands": ["lib/base", "lib/crypto", "lib/directory", "client/engine", "client/ui"],
  "client": [
    "lib/base",
    "lib/crypto",
    "lib/wire",
    "lib/mls",
    "lib/directory",
    "lib/sql",
    "client/store",
    "client/engine",
    "client/commands",
    "client/ui",
  ],

  "main.ts": ["lib/base", "server/run.ts", "client/run.ts"],
};

/** Which rooms may use a package or a builtin. One that is not listed here belongs nowhere. */
export const owners: Readonly<Record<string, readonly string[]>> = {
  "npm:ts-mls": ["lib/mls"],
  "npm:@hpke/core": ["lib/mls"],
  "npm:@hpke/hybridkem-x-wing": ["lib/mls"],
  // Nothing here imports it: ts-mls does without declaring it, and finds it only because this project declares it.
  "npm:@noble/hashes": ["lib/mls"],
  "npm:@serenity-kit/opaque": ["lib/crypto"],
  "npm:@peculiar/x509": ["lib/crypto"],
  // What `client rpc` takes and `--json` prints is checked and documented by schemas, as the protocol is.
  "npm:typebox": ["lib/base", "lib/wire", "client/commands", "server/schemas"],
  "npm:@logtape/logtape": ["lib/base", "server", "client"],
  "npm:@logtape/file": ["server", "client"],
  "npm:commander": ["server", "server/admin", "client", "client/commands", "main.ts"],
  "npm:string-width": ["client/ui", "client/commands"],
  "npm:uqr": ["server/supervisor", "client/ui"],
  "node:sqlite": ["lib/sql"],
  "node:crypto": ["lib/base", "lib/crypto", "lib/wire", "lib/mls", "lib/directory", "client/store"],
  "node:buffer": ["lib/base", "lib/crypto", "lib/wire", "lib/mls", "lib/directory", "lib/sql"],
  // Free space of a disk, for the doctor.
  "node:fs": ["server"],
  "node:dns/promises": ["lib/wire"],
  "node:net": ["lib/crypto", "lib/wire"],
  // The supervisor asks it for the CPU time of the process, which Deno itself does not tell.
  "node:process": ["lib/wire", "server/supervisor"],
  "node:timers": ["lib/base", "lib/wire"],
  "node:tls": ["lib/wire"],
};

/** What a module must not come to by any path: static, dynamic and type imports, and the workers it starts. */
export const neverReached: readonly { from: string; never: readonly string[]; because: string }[] =
  [
    {
      from: "server/run.ts",
      never: ["npm:ts-mls", "client"],
      because: "the server cannot decrypt",
    },
    {
      from: "server/gateway/worker.ts",
      never: ["node:sqlite", "lib/sql"],
      because: "who faces the network holds no files",
    },
    {
      from: "server/metrics/worker.ts",
      never: ["node:sqlite", "lib/sql", "lib/crypto"],
      because: "who answers for figures knows nothing else",
    },
    {
      from: "server/storage/worker.ts",
      never: ["node:net", "node:tls", "lib/wire"],
      because: "who holds the files faces no network",
    },
    {
      from: "client/run.ts",
      never: ["server"],
      because: "the two programs share lib alone",
    },
    {
      from: "lib/mls/peek.ts",
      never: ["npm:ts-mls"],
      because: "it is the part of lib/mls that the server reads headers with",
    },
  ];

/** Lines that a file may have; longer ones are usually two things. */
export const longestFile = 400;
