/**
 * In the place of `lib/crypto/password_cost.ts`, by `import_map.json` beside this file: most tests are not about what a
 * guess at a password costs, and should not pay it. What ships is tested in `tests/crypto/password_cost_test.ts` and in
 * the end-to-end tests.
 */

export const passwordStretching = {
  "argon2id-custom": { iterations: 1, memory: 8, parallelism: 1 },
} as const;

export const profileKeyCost = { log2N: 10, r: 8, p: 1 };
