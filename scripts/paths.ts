/** Paths that the scripts share. */

/** The path of a file URL, without a slash at its end. */
export function fromFileUrl(url: URL): string {
  return decodeURIComponent(url.pathname).replace(/\/$/, "");
}

/**
 * The folder under the user's cache folder for what is downloaded once.
 * @throws Error when the environment names no home
 */
export function cacheFolder(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME");
  if (cache) return `${cache}/sealpost`;
  const home = Deno.env.get("HOME");
  if (home) return `${home}/.cache/sealpost`;
  throw new Error("Neither HOME nor XDG_CACHE_HOME is set: set one of them.");
}
