/** Looking through a data folder: keys, certificate, database and rights, without changing anything. */
import { exitCodes, ExitError } from "../../lib/base/exit_codes.ts";
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
  readonly part: string;
  readonly state: "ok" | "warning" | "broken";
  readonly text: string;
}

type Look = (folder: string, now: number) => Omit<Finding, "part">;

const ok = (text: string) => ({ state: "ok", text } as const);
const warning = (text: string) => ({ state: "warning", text } as const);
const broken = (text: string) => ({ state: "broken", text } as const);

const looks: Readonly<Record<string, Look>> = {
  "rights": (folder) => {
    const open = [
      folder,
      ...Array.from(Deno.readDirSync(folder), ({ name }) => `${folder}/${name}`),
    ]
      .filter((path) => ((Deno.lstatSync(path).mode ?? 0) & 0o077) !== 0);
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
    const certificate = Deno.readTextFileSync(`${folder}/server.crt`);
    if (
      !belongTogether(certificate, Deno.readTextFileSync(`${folder}/server.key`))
    ) {
      return broken("server.crt and server.key do not belong together");
    }
    const left = describeCertificate(certificate).notAfter - now;
    const day = new Date(now + left).toISOString().slice(0, 10);
    return left < renewBeforeMs
      ? warning(`ends on ${day}: the next start renews it`)
      : ok(`good until ${day}`);
  },
  "database": (folder) => {
    const database = openCopy(`${folder}/${databaseName}`, { readOnly: true });
    try {
      const found = integrityOf(database);
      if (found !== "ok") return broken(`it is damaged (${found}): restore it from a backup`);
      const { steps } = planMigration(schemaVersion(database), migrations);
      return steps.length === 0
        ? ok("whole, and of this version")
        : warning("whole, of an older version: the next start brings it up to date");
    } finally {
      database.close();
    }
  },
};

/** Prints what it finds. Exit code 8 when something does not work. Throws `ExitError` when there is no server. */
export function checkFolder({ folder, print, json, now }: FilesWorld): number {
  storedFingerprint(folder);
  const findings = Object.entries(looks).map(([part, look]): Finding => ({
    part,
    ...looked(() => look(folder, now())),
  }));
  for (const finding of findings) {
    print(
      json
        ? JSON.stringify({ v: 1, type: "finding", ...finding })
        : `${finding.state.padEnd(8)} ${finding.part}: ${finding.text}`,
    );
  }
  return findings.some(({ state }) => state === "broken") ? exitCodes.localData : exitCodes.done;
}

function looked(look: () => Omit<Finding, "part">): Omit<Finding, "part"> {
  try {
    return look();
  } catch (thrown) {
    if (thrown instanceof ExitError) return broken(thrown.message);
    if (thrown instanceof Deno.errors.NotFound) return broken("a file is missing");
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    return broken(text.replace(/\s*\n[\s\S]*/, ""));
  }
}
