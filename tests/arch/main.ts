/** `deno task arch`: prints what breaks the architecture and fails, or says what was looked at. */
import { checkTree } from "./tree.ts";

const { wrong, modules, edges } = await checkTree();
for (const line of wrong) console.log(line);
console.log(
  `architecture: ${modules} modules, ${edges} imports, ${wrong.length} against the rules`,
);
if (wrong.length > 0) Deno.exit(1);
