/**
 * Is a password worth stretching? Not by counting kinds of characters but by estimating how many guesses it stands:
 * the cheapest way to put it together from common words, names, rows of keys, repetitions and unknown rest.
 */
import { textLimits } from "../base/limits.ts";
import { commonWords } from "./common_words.ts";
import { canonicalName } from "./names.ts";
import { passwordText } from "./password_text.ts";

/** What is thought of a password; `reason` is a sentence for the person who chose it. */
export type PasswordVerdict =
  | { readonly kind: "ok" }
  | { readonly kind: "weak"; readonly reason: string };

/**
 * Each guess costs 0.3 s of one core and 96 MiB (see `password_cost.ts`), even for whoever stole the server: 2^30 of
 * them are some ten years of a core.
 */
const requiredBits = 30;

/** Nothing beyond this is looked at: it is far past the required bits, or a repetition. */
const examinedChars = 96;

/** Judges a new password for the account `name`. */
export function judgePassword(
  password: string,
  { name }: { readonly name: string },
): PasswordVerdict {
  const text = passwordText(password);
  const lower = text.toLowerCase();
  if (text.length > textLimits.passwordMax) {
    return weak(`A password has at most ${textLimits.passwordMax} characters.`);
  }
  if (countGraphemes(text) < textLimits.passwordMin) {
    return weak(`A password needs at least ${textLimits.passwordMin} characters.`);
  }
  if (name !== "" && lower.includes(canonicalName(name))) {
    return weak("The password contains the account's name.");
  }
  if (commonWords.has(bareWord(lower))) {
    return weak("That is one of the passwords that everybody tries first.");
  }
  if (estimateBits(text) < requiredBits) {
    return weak(
      "That is too easy to guess: add words, or mix in letters, digits and signs that follow no pattern.",
    );
  }
  return { kind: "ok" };
}

/** An estimate of log2 of the guesses that `password` stands. */
export function estimateBits(password: string): number {
  return cheapest([...password].slice(0, examinedChars));
}

function weak(reason: string): PasswordVerdict {
  return { kind: "weak", reason };
}

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function countGraphemes(text: string): number {
  return [...segmenter.segment(text)].length;
}

/** `P@ssw0rd123!` as `password`: without what people add to a word to satisfy a rule. */
function bareWord(lower: string): string {
  return plainLetters(lower.replace(/[^\p{L}]+$/u, "").replace(/^[^\p{L}@$]+/u, ""));
}

const lookalikes: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "l",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  "$": "s",
  "!": "i",
};

function plainLetters(lower: string): string {
  return lower.replace(/[013457@$!]/g, (char) => lookalikes[char] ?? char);
}

/** The cheapest cover of `chars` by segments, by dynamic programming over their ends. */
function cheapest(chars: readonly string[]): number {
  const best = [0];
  for (let end = 1; end <= chars.length; end++) {
    let least = Infinity;
    for (let begin = 0; begin < end; begin++) {
      const bits = segmentBits(chars.slice(begin, end));
      least = Math.min(least, (best[begin] ?? 0) + bits);
    }
    best.push(least);
  }
  return best[chars.length] ?? 0;
}

/** What one segment costs as a whole; infinite when it is nothing that one guess would try as a whole. */
function segmentBits(segment: readonly string[]): number {
  const text = segment.join("");
  const lower = text.toLowerCase();
  return Math.min(
    wordBits(text, lower),
    yearBits(text),
    sequenceBits(lower),
    repetitionBits(segment),
    unknownBits(segment),
  );
}

/** A common word, with a bit each for capitals and for digits in place of letters. */
function wordBits(text: string, lower: string): number {
  const plain = plainLetters(lower);
  if (!commonWords.has(plain)) return Infinity;
  return 8 + (text === lower ? 0 : 1) + (plain === lower ? 0 : 1);
}

function yearBits(text: string): number {
  return /^(19|20)[0-9]{2}$/.test(text) ? 6 : Infinity;
}

/** Rows that people walk along, forwards or backwards. */
const rows = [
  "abcdefghijklmnopqrstuvwxyz",
  "01234567890",
  "qwertyuiop[]",
  "qwertzuiop",
  "azertyuiop",
  "asdfghjkl;'",
  "qsdfghjklm",
  "zxcvbnm,./",
  "yxcvbnm",
  "!@#$%^&*()_+",
  "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
  "1q2w3e4r5t6y7u8i9o0p",
  "q1w2e3r4t5y6u7i8o9p0",
  "a1b2c3d4e5f6g7h8i9j0",
  "1a2b3c4d5e6f7g8h9i0j",
].flatMap((row) => [row, [...row].reverse().join("")]);

function sequenceBits(lower: string): number {
  if (lower.length < 3 || !rows.some((row) => row.includes(lower))) return Infinity;
  return 6 + Math.log2(lower.length);
}

/** The same block over and over: costs the block and the count. A single repeated character counts from three on. */
function repetitionBits(segment: readonly string[]): number {
  for (let length = 1; length <= segment.length / 2; length++) {
    if (segment.length % length !== 0 || segment.length < 3) continue;
    if (segment.every((char, at) => char === segment[at % length])) {
      return cheapest(segment.slice(0, length)) + Math.log2(segment.length / length);
    }
  }
  return Infinity;
}

/** A run of one kind of character that nothing is known about. */
function unknownBits(segment: readonly string[]): number {
  const kind = kindOf(segment[0] ?? "");
  if (!segment.every((char) => kindOf(char) === kind)) return Infinity;
  const count = segment.length;
  switch (kind) {
    case "letter":
      return letterBits(segment);
    case "digit":
      // Long runs of digits are dates and telephone numbers rather than random.
      return Math.min(3.3 * count, 6 + 2.2 * count);
    case "ideograph":
      return 6 * count;
    case "space":
      return count === 1 ? 1 : 2;
    case "sign":
      return 4.5 * count;
  }
}

/** Letters: random while they are few, a word as soon as they could be one. */
function letterBits(letters: readonly string[]): number {
  const count = letters.length;
  const text = letters.join("");
  const isWord = !/[bcdfghjklmnpqrstvwxz]{6}/i.test(text);
  const base = isWord ? Math.min(4.7 * count, 6 + 1.4 * count) : 4.2 * count;
  return base + caseBits(text);
}

/** Capitals: one bit where people put them (first or all), else a place among the letters each. */
function caseBits(text: string): number {
  const capitals = [...text].filter((char) => char !== char.toLowerCase()).length;
  if (capitals === 0) return 0;
  const usual = capitals === text.length || (capitals === 1 && text[0] !== text[0]?.toLowerCase());
  return usual ? 1 : Math.min(capitals, text.length - capitals + 1) * 1.5;
}

type Kind = "letter" | "digit" | "ideograph" | "space" | "sign";

function kindOf(char: string): Kind {
  if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(char)) {
    return "ideograph";
  }
  if (/[\p{L}\p{M}]/u.test(char)) return "letter";
  if (/\p{N}/u.test(char)) return "digit";
  return /\s/u.test(char) ? "space" : "sign";
}
