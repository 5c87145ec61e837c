/** Kinds of files that are usual to send, by extension. */
import { fileLimits } from "./limits.ts";

/** Extensions of office documents, images, media, archives, text and code, without their dots. */
export const defaultFileTypes: readonly string[] = [
  ..."pdf doc docx odt rtf xls xlsx ods csv tsv ppt pptx odp pages numbers key epub ics vcf eml"
    .split(" "),
  ..."jpg jpeg png gif webp avif heic heif bmp tif tiff svg ico psd".split(" "),
  ..."mp3 m4a aac ogg oga opus flac wav mp4 m4v mov mkv webm avi mpg mpeg ogv srt vtt".split(" "),
  ..."zip tar gz tgz bz2 xz zst 7z rar".split(" "),
  ..."txt md log tex rst json jsonl yaml yml toml ini conf xml html htm css sql diff patch".split(
    " ",
  ),
  ..."c h cc cpp hpp cs go rs java kt swift ts tsx js jsx mjs py rb php pl lua r sh scala hs".split(
    " ",
  ),
  ..."pem crt asc sig gpg".split(" "),
];

const extension = /^[a-z0-9_-]{1,16}$/;

/**
 * An allow-list as people write it: `pdf,png` is that list; `+dwg,-sh` changes `usual`; `*` allows everything, which is the
 * empty list. Undefined when it is none of these, or has more than 512 entries.
 */
export function readFileTypes(
  text: string,
  usual: readonly string[] = defaultFileTypes,
): readonly string[] | undefined {
  const words = text.toLowerCase().split(/[\s,]+/).filter((word) => word !== "");
  if (words.length === 1 && words[0] === "*") return [];
  const changes = words.filter((word) => /^[+-]/.test(word));
  const plain = words.filter((word) => !/^[+-]/.test(word)).map((word) => word.replace(/^\./, ""));
  const list = new Set(plain.length > 0 ? plain : usual);
  for (const change of changes) {
    const type = change.slice(1).replace(/^\./, "");
    if (change.startsWith("+")) list.add(type);
    else list.delete(type);
  }
  list.delete("");
  const possible = words.length > 0 && list.size > 0 && list.size <= fileLimits.types &&
    [...list].every((type) => extension.test(type));
  return possible ? [...list] : undefined;
}
