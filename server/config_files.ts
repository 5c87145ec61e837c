/** The operator's choices about files: sizes, times and types as they are typed. Pure. */
import { ExitError } from "../lib/base/exit_codes.ts";
import { readFileTypes } from "../lib/base/file_types.ts";
import { fileLimits } from "../lib/base/limits.ts";

/** Flags as they were typed, and settings of the configuration file. */
export interface FileChoices {
  readonly maxFileSize?: string | undefined;
  readonly fileQuota?: string | undefined;
  readonly fileSpace?: string | undefined;
  readonly fileDays?: string | undefined;
  readonly fileTypes?: string | undefined;
}

/** What the storage side is to keep to. */
export interface FileRules {
  readonly maxBytes: number;
  readonly bytesPerAccount: number;
  readonly bytesInAll: number;
  readonly keepMs: number;
  readonly types: readonly string[];
}

const dayMs = 24 * 60 * 60 * 1000;
/** Ten years: more is for ever, and as a date still exact. */
const mostDays = 3650;

const units: Readonly<Record<string, number>> = {
  "": 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

/** Bytes of `64M`, `1.5GiB`, `1048576` and alike; undefined when it is not a size from 1 byte to 1 PiB. */
export function readSize(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?) ?([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const bytes = Math.floor(Number(found?.[1]) * (units[found?.[2]?.toLowerCase() ?? ""] ?? NaN));
  return bytes >= 1 && bytes <= 1024 ** 5 ? bytes : undefined;
}

function readDays(text: string): number | undefined {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return days >= 1 && days <= mostDays ? days * dayMs : undefined;
}

function readMost(text: string): number | undefined {
  const bytes = readSize(text);
  return bytes !== undefined && bytes <= fileLimits.fileBytesMax ? bytes : undefined;
}

/** For each choice: its reader, and what it has to look like. */
const readers = {
  maxFileSize: {
    flag: "--max-file-size",
    read: readMost,
    form: "a size like 64M or 1G, at most 1T",
  },
  fileQuota: { flag: "--file-quota", read: readSize, form: "a size like 500M or 10G" },
  fileSpace: { flag: "--file-space", read: readSize, form: "a size like 50G or 2T" },
  fileDays: { flag: "--file-days", read: readDays, form: `a number of days from 1 to ${mostDays}` },
  fileTypes: {
    flag: "--file-types",
    read: readFileTypes,
    form: "extensions with commas between, +dwg or -sh to change the usual list, or * for all",
  },
} as const;

/** The name of a choice. */
export type FileChoice = keyof typeof readers;

/** Every choice. */
export const fileChoices = Object.keys(readers) as FileChoice[];

/** Whether the value of a choice in the configuration file is possible. */
export function isFileChoice(choice: FileChoice, value: unknown): value is string {
  return typeof value === "string" && readers[choice].read(value) !== undefined;
}

/** What a value of a choice has to look like. */
export function fileChoiceForm(choice: FileChoice): string {
  return readers[choice].form;
}

/** Rules as the settings by which one would choose them. */
export function choicesOf(rules: FileRules): Readonly<Record<FileChoice, string>> {
  return {
    maxFileSize: sizeSetting(rules.maxBytes),
    fileQuota: sizeSetting(rules.bytesPerAccount),
    fileSpace: sizeSetting(rules.bytesInAll),
    fileDays: String(rules.keepMs / dayMs),
    fileTypes: rules.types.length === 0 ? "*" : rules.types.join(","),
  };
}

/** Bytes as they are typed: in the largest unit that goes into them without a rest. */
function sizeSetting(bytes: number): string {
  const unit = ["t", "g", "m", "k"].find((name) => bytes % (units[name] ?? 1) === 0) ?? "";
  return `${bytes / (units[unit] ?? 1)}${unit.toUpperCase()}`;
}

/** Throws `ExitError` (usage) when a flag is not possible. */
function chosen<K extends FileChoice>(
  choice: K,
  text: string | undefined,
): ReturnType<(typeof readers)[K]["read"]> | undefined {
  if (text === undefined) return undefined;
  const { flag, form, read } = readers[choice];
  const value = read(text);
  if (value === undefined) throw new ExitError("usage", `${flag} is ${form}`);
  return value as ReturnType<(typeof readers)[K]["read"]>;
}

/** The rules; what depends on another choice grows with it, so that the largest file always has room. */
export function fileRules(choices: FileChoices): FileRules {
  const maxBytes = chosen("maxFileSize", choices.maxFileSize) ?? fileLimits.fileBytes;
  const bytesPerAccount = chosen("fileQuota", choices.fileQuota) ??
    Math.max(fileLimits.bytesPerAccount, 4 * maxBytes);
  return {
    maxBytes,
    bytesPerAccount,
    bytesInAll: chosen("fileSpace", choices.fileSpace) ??
      Math.max(fileLimits.bytesInAll, 4 * bytesPerAccount),
    keepMs: chosen("fileDays", choices.fileDays) ?? fileLimits.keepMs,
    types: chosen("fileTypes", choices.fileTypes) ?? readFileTypes("+") ?? [],
  };
}
