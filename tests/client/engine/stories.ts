/** Stories that share one server, since starting one costs more than most of them. */
import { Village } from "./village.ts";

/** What happens in a village where others have lived before. */
export type Story = (village: Village) => Promise<void>;

/**
 * Registers a test with that title and returns how it gets its stories; each is a step of it, and they run one after another.
 * What a story has started ends with it, but accounts stay: each story has names of its own, and the lobby is everybody's.
 */
export function storiesOf(title: string): (name: string, story: Story) => void {
  const stories: { readonly name: string; readonly story: Story }[] = [];
  Deno.test(title, async (t) => {
    await using village = await Village.make();
    for (const { name, story } of stories) {
      await t.step(name, async () => {
        try {
          await story(village);
        } finally {
          await village.rest();
        }
      });
    }
  });
  return (name, story) => void stories.push({ name, story });
}
