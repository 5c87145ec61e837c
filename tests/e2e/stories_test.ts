/** The parity stories once more, told by the compiled executable: each program runs in an empty folder of its own. */
import { compiledProgram } from "./executable.ts";

// Before the kit starts its first program; the stories themselves do not know what they run.
Deno.env.set("SEALPOST_BINARY", await compiledProgram());
await import("../scenario/parity_a_test.ts");
await import("../scenario/parity_b_test.ts");
await import("../scenario/parity_c_test.ts");
