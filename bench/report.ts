/** What every report of a workload says: machine, versions, and who used how much of the processors. */

/** Processor time of a process so far, in seconds, and its resident memory in bytes. Linux only. */
export async function usage(pid: number): Promise<{ cpu: number; memory: number }> {
  const stat = await procFile(`${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = await procFile(`${pid}/status`);
  const kib = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
  // The kernel counts in hundredths of a second for everybody (USER_HZ).
  return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, memory: kib * 1024 };
}

/** Processor time of all processes that this one has started and seen the end of, in seconds. Linux only. */
export async function childrenCpu(): Promise<number> {
  const stat = await procFile(`${Deno.pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** Deno itself opens files there only with all permissions. */
async function procFile(name: string): Promise<string> {
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${name}`] }).output();
  return new TextDecoder().decode(stdout);
}

/** The machine and the runtime, in one line. */
export async function machine(): Promise<string> {
  const cpus = await procFile("cpuinfo");
  const model = /model name\s*:\s*(.*)/.exec(cpus)?.[1] ?? "unknown processor";
  const { total } = Deno.systemMemoryInfo();
  const load = Deno.loadavg()[0]?.toFixed(1) ?? "?";
  return `${navigator.hardwareConcurrency} cores (${model}), ${Math.round(total / 2 ** 30)} GiB, ` +
    `Deno ${Deno.version.deno}, V8 ${Deno.version.v8}, load before ${load}`;
}

/** The value below which `share` of the (unsorted) values lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** Prints a heading and its figures, aligned. */
export function report(heading: string, figures: Readonly<Record<string, string | number>>): void {
  console.log(`\n${heading}`);
  const width = Math.max(...Object.keys(figures).map(({ length }) => length));
  for (const [name, figure] of Object.entries(figures)) {
    console.log(`  ${name.padEnd(width)}  ${figure}`);
  }
}
