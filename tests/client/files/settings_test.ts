import assert from "node:assert/strict";
import { readFileChoices, settingsFile } from "../../../client/store/settings.ts";
import { ExitError } from "../../../lib/base/exit_codes.ts";
import { TempFolder } from "../../kit/folder.ts";

Deno.test("the download folder: as told, under --home, as the desktop says, or Downloads", async () => {
  await using temp = await TempFolder.make();
  const HOME = temp.path;
  const input = (env: Record<string, string>, home?: string) => ({
    env: (name: string) => ({ HOME, ...env })[name],
    cwd: () => "/somewhere",
    home,
  });
  assert.equal(readFileChoices(input({})).folder, `${HOME}/Downloads`);
  assert.equal(readFileChoices(input({}, "box")).folder, "/somewhere/box/downloads");
  await Deno.mkdir(`${HOME}/.config/sealpost`, { recursive: true });
  await Deno.writeTextFile(
    `${HOME}/.config/user-dirs.dirs`,
    '# made by xdg-user-dirs\nXDG_DESKTOP_DIR="$HOME/Desk"\nXDG_DOWNLOAD_DIR="$HOME/Ladungen"\n',
  );
  assert.equal(readFileChoices(input({})).folder, `${HOME}/Ladungen`);
  const file = settingsFile(input({}));
  assert.equal(file, `${HOME}/.config/sealpost/client.json`);
  await Deno.writeTextFile(file, '{"downloadFolder":"~/in","fileTypes":"+dwg"}');
  assert.deepEqual(readFileChoices(input({})), { folder: `${HOME}/in`, types: "+dwg" });
  for (const text of ["{", "[]", '{"fileTypes":7}', '{"fileTypes":"a/b"}', '{"filetypes":"*"}']) {
    await Deno.writeTextFile(file, text);
    const usage = (thrown: unknown) => thrown instanceof ExitError && thrown.exitCode === 2;
    assert.throws(() => readFileChoices(input({})), usage, text);
  }
});
