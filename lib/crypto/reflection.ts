/**
 * The three metadata functions of `Reflect` that tsyringe (inside @peculiar/x509) looks for at load. It only asks for
 * constructor parameters that a decorator left behind, of which that package has none, so these few lines stand in for
 * a polyfill. Nothing is replaced when they already exist.
 */
const store = new WeakMap<object, Map<unknown, unknown>>();

function getMetadata(key: unknown, target: object): unknown {
  return store.get(target)?.get(key);
}

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const entries = store.get(target) ?? new Map<unknown, unknown>();
  store.set(target, entries.set(key, value));
}

/** Puts them in place. Must run before @peculiar/x509 is imported. */
export function provideReflection(): void {
  if ("getMetadata" in Reflect) return;
  Object.assign(Reflect, { getMetadata, getOwnMetadata: getMetadata, defineMetadata });
}
