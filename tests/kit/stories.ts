/** Stories that share one server, since starting one costs more than most of them. */

/** A server with whoever is there. */
export interface Place extends AsyncDisposable {
  /** Everybody goes; the server stays. */
  rest(): Promise<void>;
}

/** What happens in a place where others have been before. */
export type Story<P> = (place: P) => Promise<void>;

/**
 * Registers a test with that title and returns how it gets its stories; each is a step of it, and they run one after another.
 * What a story has started ends with it, but accounts stay: each story has names of its own, and the lobby is everybody's.
 */
export function storiesIn<P extends Place>(
  make: () => Promise<P>,
  title: string,
): (name: string, story: Story<P>) => void {
  const stories: { readonly name: string; readonly story: Story<P> }[] = [];
  Deno.test(title, async (t) => {
    await using place = await make();
    for (const { name, story } of stories) {
      await t.step(name, async () => {
        try {
          await story(place);
        } finally {
          await place.rest();
        }
      });
    }
  });
  return (name, story) => void stories.push({ name, story });
}
