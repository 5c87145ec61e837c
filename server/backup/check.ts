/** Looking through a data folder: keys, certificate, database and rights, without changing anything. */
import { exitCodes, ExitError } from "../../lib/base/exit_codes.ts";
import { typedLine } from "../../lib/base/json_line.ts";
import { belongTogether, signingKeyFromPem } from "../../lib/crypto/key_files.ts";
import { describeCertificate, renewBeforeMs } from "../../lib/crypto/x509.ts";
import { planMigration, schemaVersion } from "../../lib/sql/migrate.ts";
import { integrityOf, openCopy } from "../../lib/sql/snapshot.ts";
import { storedFingerprint } from "../admin/identity.ts";
import { databaseName } from "../storage/start.ts";
import { migrations } from "../tables/sqlite/schema.ts";
import type { FilesWorld } from "./world.ts";

/** What was found about one part: all is well, somebody should look, or it does not work. */
export interface Finding {
  readonly part: Part;
  readonly state: "ok" | "warning" | "broken";
  readonly text: string;
}

/** What was found about one part, without its name. */
export type Looked = Omit<Finding, "part">;

type Look = (folder: string, now: number, how: { readonly quick: boolean }) => Looked;

const ok = (text: string) => ({ state: "ok", text } as const);
const warning = (text: string) => ({ state: "warning", text } as const);
const broken = (text: string) => ({ state: "broken", text } as const);

const looks = {
  "rights": (folder) => {
    const inside = [...Deno.readDirSync(folder)].filter(({ isSymlink }) => !isSymlink);
    // The folder itself may be reached by a link, as where systemd makes up the user; links have no rights of their own.
    const open = [folder, ...inside.map(({ name }) => `${folder}/${name}`)]
      .filter((path) => (modeOf(path) & 0o077) !== 0);
    return open.length === 0
      ? ok("nothing in it is for other users")
      : warning(`other users may use ${open.join(", ")}: chmod go= them`);
  },
  "identity": (folder) => {
    signingKeyFromPem(Deno.readTextFileSync(`${folder}/identity.key`));
    return ok("the identity key is whole");
  },
  "passwords": (folder) =>
    /^[A-Za-z0-9_-]{171}\s*$/.test(Deno.readTextFileSync(`${folder}/passwords.key`))
      ? ok("the secret behind the passwords is whole")
      : broken("passwords.key is damaged: without it nobody can log in by password"),
  "certificate": (folder, now) => {
    const pair = { cert: `${folder}/server.crt`, key: `${folder}/server.key` };
    return readCertificate(pair, now, ": a reload or start renews it");
  },
  "database": (folder, _now, how) => {
    const database = openCopy(`${folder}/${databaseName}`, { readOnly: true });
    try {
      const found = integrityOf(database, how);
      if (found !== "ok") return broken(`it is damaged (${found}): restore it from a backup`);
      const { steps } = planMigration(schemaVersion(database), migrations);
      return steps.length === 0
        ? ok("whole, and of this version")
        : warning("whole, of an older version: the next start brings it up to date");
    } finally {
      database.close();
    }
  },
} satisfies Readonly<Record<string, Look>>;

/** A part of a data folder. */
export type Part = keyof typeof looks;

const parts = Object.keys(looks) as Part[];

/** Looks at one part of the folder; at the database only as far as that is quick. */
export function lookInto(folder: string, part: Part, now: number): Looked {
  return looked(() => looks[part](folder, now, { quick: true }));
}

/** Looks at a certificate and its key in files of their own. */
export function certificateOf(
  pair: { readonly cert: string; readonly key: string },
  now: number,
): Looked {
  return looked(() => readCertificate(pair, now));
}

/** Of what a running server has deleted meanwhile nobody may do anything. */
function modeOf(path: string): number {
  try {
    return Deno.statSync(path).mode ?? 0;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return 0;
    throw thrown;
  }
}

function readCertificate(
  { cert, key }: { readonly cert: string; readonly key: string },
  now: number,
  renewal = "",
): Looked {
  const certificate = Deno.readTextFileSync(cert);
  const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
  if (!belongTogether(certificate, Deno.readTextFileSync(key))) {
    return broken(`${nameOf(cert)} and ${nameOf(key)} do not belong together`);
  }
  const left = describeCertificate(certificate).notAfter - now;
  const day = new Date(now + left).toISOString().slice(0, 10);
  if (left < 0) return broken(`ended on ${day}${renewal}`);
  return left < renewBeforeMs ? warning(`ends on ${day}${renewal}`) : ok(`good until ${day}`);
}

/** Prints what it finds. Exit code 8 when something does not work. Throws `ExitError` when there is no server. */
export function checkFolder({ folder, print, json, now }: FilesWorld): number {
  storedFingerprint(folder);
  const findings = parts.map((part): Finding => ({
    part,
    ...looked(() => looks[part](folder, now(), { quick: false })),
  }));
  for (const finding of findings) {
    print(
      json
        ? typedLine("checked", finding)
        : `${finding.state.padEnd(8)} ${finding.part}: ${finding.text}`,
    );
  }
  return findings.some(({ state }) => state === "broken") ? exitCodes.localData : exitCodes.done;
}

function looked(look: () => Looked): Looked {
  try {
    return look();
  } catch (thrown) {
    if (thrown instanceof ExitError) return broken(thrown.message);
    if (thrown instanceof Deno.errors.NotFound) return broken("a file is missing");
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    return broken(text.replace(/\s*\n[\s\S]*/, ""));
  }
}
