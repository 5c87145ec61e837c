/** Which files may be sent and taken: by extension, and by what their first bytes say. Pure. */
import { extensionOf } from "./names.ts";

/** How many bytes of the beginning are looked at. */
export const sniffBytes = 4096;

const ascii = (text: string) => [...text].map((letter) => letter.charCodeAt(0));

/** Beginnings of programs, which a harmless name must not hide. */
const programs: readonly { readonly what: string; readonly bytes: readonly number[] }[] = [
  { what: "a program for Windows", bytes: ascii("MZ") },
  { what: "a program for Linux", bytes: [0x7f, ...ascii("ELF")] },
  { what: "a program for macOS", bytes: [0xcf, 0xfa, 0xed, 0xfe] },
  { what: "a program for macOS", bytes: [0xce, 0xfa, 0xed, 0xfe] },
  { what: "a program for macOS or Java", bytes: [0xca, 0xfe, 0xba, 0xbe] },
  { what: "a Windows shortcut", bytes: [0x4c, 0, 0, 0, 0x01, 0x14, 0x02, 0] },
];

const zip = [[0x50, 0x4b, 0x03, 0x04], [0x50, 0x4b, 0x05, 0x06]];
const jpeg = [[0xff, 0xd8, 0xff]];
const tiff = [[0x49, 0x49, 0x2a, 0], [0x4d, 0x4d, 0, 0x2a]];
const ole = [[0xd0, 0xcf, 0x11, 0xe0]];

/** What files of these extensions begin with: one of these. */
const beginnings: Readonly<Record<string, readonly (readonly number[])[]>> = {
  pdf: [ascii("%PDF")],
  png: [[0x89, ...ascii("PNG")]],
  jpg: jpeg,
  jpeg,
  gif: [ascii("GIF8")],
  bmp: [ascii("BM")],
  tif: tiff,
  tiff,
  webp: [ascii("RIFF")],
  wav: [ascii("RIFF"), ascii("RF64")],
  avi: [ascii("RIFF")],
  ogg: [ascii("OggS")],
  oga: [ascii("OggS")],
  opus: [ascii("OggS")],
  flac: [ascii("fLaC"), ascii("ID3")],
  mkv: [[0x1a, 0x45, 0xdf, 0xa3]],
  webm: [[0x1a, 0x45, 0xdf, 0xa3]],
  zip,
  docx: zip,
  xlsx: zip,
  pptx: zip,
  odt: zip,
  ods: zip,
  odp: zip,
  epub: zip,
  doc: [...ole, ascii("{\\rtf")],
  xls: ole,
  ppt: ole,
  gz: [[0x1f, 0x8b]],
  tgz: [[0x1f, 0x8b]],
  bz2: [ascii("BZh")],
  xz: [[0xfd, ...ascii("7zXZ")]],
  "7z": [[...ascii("7z"), 0xbc, 0xaf]],
  rar: [ascii("Rar!")],
};

const startsWith = (head: Uint8Array, bytes: readonly number[]) =>
  head.length >= bytes.length && bytes.every((byte, at) => head[at] === byte);

/** Which extensions are allowed: a list, or all when it is empty. */
export type AllowList = readonly string[];

/**
 * Why a file of this name must not be sent or taken, as the end of a sentence that begins with its name; undefined when it
 * may. A file without an extension counts as `txt`; whether its content is one is for `refuseContent`.
 */
export function refuseName(name: string, allowed: AllowList): string | undefined {
  if (allowed.length === 0) return undefined;
  const type = extensionOf(name) || "txt";
  return allowed.includes(type) ? undefined : `is of the type .${type}, which is not allowed`;
}

/** The same by its first bytes: what is not what its extension says. An empty file is anything. */
export function refuseContent(
  name: string,
  head: Uint8Array,
  allowed: AllowList,
): string | undefined {
  if (allowed.length === 0 || head.length === 0) return undefined;
  const type = extensionOf(name);
  const program = programs.find(({ bytes }) => startsWith(head, bytes));
  if (program !== undefined && !programTypes.has(type)) {
    return `looks like ${program.what} and not like its name`;
  }
  if (type === "" && head.includes(0)) return "has no extension and is no text";
  const known = beginnings[type];
  return known === undefined || known.some((bytes) => startsWith(head, bytes))
    ? undefined
    : `is called .${type} but does not begin like one`;
}

/** What programs are called; allowed only where the operator and the user have said so. */
const programTypes = new Set([
  ..."exe dll sys com scr msi lnk so o ko elf bin run appimage dylib class jar".split(" "),
]);
