/** Whether guesses at passwords are cheap in this run, and how its child processes come to the same. */
import { profileKeyCost } from "../../lib/crypto/password_cost.ts";
import { profileKeyCost as cheap } from "./cheap_cost.ts";

const map = decodeURIComponent(new URL("./import_map.json", import.meta.url).pathname);

/** Flags of `deno run` for a child: both sides of a profile or an account must pay the same. */
export function costFlags(): string[] {
  return profileKeyCost.log2N === cheap.log2N ? ["--import-map", map] : [];
}
