/** Bringing a database file to the schema of this program. The list of migrations is only ever appended to. */
import { AppError } from "../base/errors.ts";
import type { Database } from "./database.ts";
import { unusable } from "./errors.ts";

/** One step of the schema. Once released it is never changed. */
export interface Migration {
  /** 1, 2, 3 and so on. */
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** The schema version of the file: 0 for a new one. */
export function schemaVersion(database: Database): number {
  return database.prepare("PRAGMA user_version").get<{ user_version: number }>()?.user_version ?? 0;
}

/** What there is to do, as found. */
export interface MigrationPlan {
  readonly from: number;
  readonly to: number;
  readonly steps: readonly Migration[];
}

/**
 * The steps that lead from the file's version to the newest. Throws `AppError`: `unsupported_version` when the file is of a newer program, `internal` when
 * the list is not numbered 1, 2, 3...
 */
export function planMigration(from: number, migrations: readonly Migration[]): MigrationPlan {
  if (migrations.some((each, index) => each.version !== index + 1)) {
    throw unusable("migrations must be numbered 1, 2, 3 and so on");
  }
  const to = migrations.length;
  if (from > to) {
    const text =
      `the database was written by a newer version of this program (schema ${from}, this one knows ${to}): ` +
      "use that version, or restore a copy from before the update";
    throw new AppError("unsupported_version", { text, fault: "environment" });
  }
  return { from, to, steps: migrations.slice(from) };
}

/** Runs the plan's steps in the caller's transaction. */
export function runMigration(database: Database, plan: MigrationPlan): void {
  for (const step of plan.steps) database.exec(step.sql);
  database.exec(`PRAGMA user_version = ${plan.to}`);
}
