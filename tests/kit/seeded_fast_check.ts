/**
 * In the place of `fast-check`, by `import_map.json` beside this file, which is also what lets this one have the real
 * one: every property that names no seed of its own starts from the seed of the run.
 */
import fc from "fast-check";
import { testSeed } from "./seed.ts";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: testSeed() });

export * from "fast-check";
export default fc;
