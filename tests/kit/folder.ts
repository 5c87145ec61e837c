/** A folder for one test, gone afterwards. */

/** Use with `await using`. */
export class TempFolder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  /** Makes a folder that only this user may enter. */
  static async make(): Promise<TempFolder> {
    return new TempFolder(await Deno.makeTempDir({ prefix: "sealpost-test-" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
