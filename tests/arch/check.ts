/** The rules applied to a module graph. Pure: each function returns its violations as readable lines. */
import type { Edge, Graph } from "./graph.ts";
import { longestFile, neverReached, owners, rooms } from "./rules.ts";

/** Everything that is wrong with a graph, one line each; empty when nothing is. */
export function violations(graph: Graph): string[] {
  return [
    ...graph.unreadable,
    ...graph.edges.flatMap(wrongImport),
    ...[...graph.sources.keys()].filter((file) => roomOf(file) === undefined)
      .map((file) => `${file} stands in no room of the table`),
    ...neverReached.flatMap((rule) => wrongReach(graph, rule)),
    ...cycles(graph).map((path) => `circle: ${path.join(" -> ")}`),
    ...[...graph.sources].flatMap(([file, text]) => hiddenImports(file, text)),
  ];
}

/** The room a module stands in; undefined for one that no room of the table holds. */
export function roomOf(module: string): string | undefined {
  if (module in rooms) return module;
  const folder = module.slice(0, Math.max(0, module.lastIndexOf("/")));
  const places = Object.keys(rooms).filter((room) => !room.endsWith(".ts"));
  const exact = places.find((room) => room === folder);
  if (exact !== undefined) return exact;
  const nested = places.filter((room) => room.includes("/") && folder.startsWith(`${room}/`));
  return nested[0];
}

/** Whether `module` is that file or package, or lies in that folder. */
function within(module: string, place: string): boolean {
  return module === place || (!place.includes(":") && module.startsWith(`${place}/`));
}

function wrongImport({ from, to }: Edge): string[] {
  const room = roomOf(from);
  if (room === undefined) return [];
  if (/^[a-z]+:/.test(to)) {
    return owners[to]?.includes(room) ? [] : [`${from} uses ${to}, which ${ownersOf(to)}`];
  }
  const other = roomOf(to);
  if (other === room) return [];
  if (rooms[room]!.some((allowed) => allowed === other || allowed === to)) return [];
  return [`${from} (${room}) imports ${to} (${other ?? "no room"})`];
}

function ownersOf(module: string): string {
  return module in owners
    ? `belongs to ${owners[module]!.join(", ")}`
    : "is not in the table of packages";
}

function wrongReach(graph: Graph, rule: (typeof neverReached)[number]): string[] {
  const paths = pathsFrom(graph, rule.from);
  const hits = [...paths.keys()].filter((to) => rule.never.some((place) => within(to, place)));
  return hits.map((to) => `${rule.because}, but: ${paths.get(to)!.join(" -> ")}`);
}

/** A shortest path to each module that can be reached. */
function pathsFrom(graph: Graph, start: string): Map<string, string[]> {
  const next = neighbours(graph.edges);
  const paths = new Map<string, string[]>([[start, [start]]]);
  for (const [module, path] of paths) {
    for (const to of next.get(module) ?? []) if (!paths.has(to)) paths.set(to, [...path, to]);
  }
  return paths;
}

function neighbours(edges: readonly Edge[]): Map<string, string[]> {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...next.get(from) ?? [], to]);
  return next;
}

/** Circles of imports, each once, as the way around. Starting a worker is no import: it has a world of its own. */
export function cycles(graph: Graph): string[][] {
  const next = neighbours(graph.edges.filter((edge) => edge.kind === "import"));
  const done = new Set<string>();
  const found: string[][] = [];
  const visit = (module: string, path: string[]): void => {
    const at = path.indexOf(module);
    if (at >= 0) found.push([...path.slice(at), module]);
    if (at >= 0 || done.has(module)) return;
    for (const to of next.get(module) ?? []) visit(to, [...path, module]);
    done.add(module);
  };
  for (const module of next.keys()) visit(module, []);
  return found;
}

/** Dynamic imports that do not name their module in plain text would slip past every rule. */
export function hiddenImports(file: string, text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const hidden = /\bimport\(\s*[^"'\s]|\bcreateRequire\b/.test(code);
  return hidden ? [`${file} imports by a name that only running it shows`] : [];
}

/** Files with more lines than one file should have. */
export function tooLong(file: string, text: string): string[] {
  const lines = text.split("\n").length - 1;
  return lines > longestFile ? [`${file} has ${lines} lines, more than ${longestFile}`] : [];
}

/** Places where Deno would be given every permission at once. */
export function grantsAll(file: string, text: string): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index) =>
    /(^|[\s"'`=])(-A|--allow-all)(?=[\s"'`]|$)/.test(line)
      ? [`${file}:${index + 1} gives all permissions at once`]
      : []
  );
}
