/** All rules of the architecture, applied to this tree. */
import { grantsAll, tooLong, violations } from "./check.ts";
import { readGraph, typescriptFiles } from "./graph.ts";

/** The top of the tree, without a slash at its end. */
export const root = decodeURIComponent(new URL("../../", import.meta.url).pathname).slice(0, -1);

/** Everything written by hand that is looked at for length and for permissions. */
const written = ["main.ts", "lib", "server", "client", "tests", "scripts", "bench"];

/**
 * What is wrong with this tree, one line each, and how much was looked at.
 * @throws Error when there is nothing to look at
 */
export async function checkTree(): Promise<{ wrong: string[]; modules: number; edges: number }> {
  const graph = await readGraph(root);
  const wrong = violations(graph);
  for (const file of await typescriptFiles(root, written)) {
    const text = await Deno.readTextFile(`${root}/${file}`);
    wrong.push(...tooLong(file, text), ...grantsAll(file, text));
  }
  for (const file of await commandFiles()) {
    wrong.push(...grantsAll(file, await Deno.readTextFile(`${root}/${file}`)));
  }
  return { wrong, modules: graph.sources.size, edges: graph.edges.length };
}

/** Files that start Deno: tasks, shell scripts, the gate and the container. */
async function commandFiles(): Promise<string[]> {
  const found = ["deno.json", ".ci/run"];
  for await (const { name } of Deno.readDir(root)) {
    if (/\.sh$|^Dockerfile|^compose\./.test(name)) found.push(name);
  }
  for await (const { name } of Deno.readDir(`${root}/scripts`)) {
    if (!name.endsWith(".ts")) found.push(`scripts/${name}`);
  }
  return found;
}
