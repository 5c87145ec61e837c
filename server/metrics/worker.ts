/**
 * The metrics worker: answers `GET /metrics` over HTTP. It may listen on its one address and do nothing else; what it
 * tells comes as text from the supervisor.
 */
import { type Attempt, attempt } from "../../lib/base/attempts.ts";
import { metricsLimits } from "../../lib/base/limits.ts";
import type { FromMetrics, ToMetrics } from "./control.ts";
import { expositionType } from "./exposition.ts";

declare const self: DedicatedWorkerGlobalScope;

const waiting = new Map<number, (text: string | undefined) => void>();
let nextId = 1;
let testHooks = false;

function post(message: FromMetrics): void {
  self.postMessage(message);
}

function scrape(): Promise<string | undefined> {
  const id = nextId++;
  return new Promise((resolve) => {
    const settle = (text: string | undefined) => {
      clearTimeout(timer);
      waiting.delete(id);
      resolve(text);
    };
    const timer = setTimeout(() => settle(undefined), metricsLimits.answerMs);
    waiting.set(id, settle);
    post({ kind: "scrape", id });
  });
}

const plain = { "content-type": "text/plain; charset=utf-8" };

async function answer(request: Request): Promise<Response> {
  if (new URL(request.url).pathname !== "/metrics") {
    return new Response("the metrics are at /metrics\n", { status: 404, headers: plain });
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    const headers = { ...plain, allow: "GET, HEAD" };
    return new Response("only GET\n", { status: 405, headers });
  }
  const text = waiting.size >= metricsLimits.scrapes ? undefined : await scrape();
  if (text === undefined) {
    return new Response("no figures just now\n", { status: 503, headers: plain });
  }
  const headers = { "content-type": expositionType, "cache-control": "no-store" };
  return new Response(request.method === "HEAD" ? null : text, { headers });
}

function start(hostname: string, port: number): void {
  try {
    const onListen = ({ port }: { readonly port: number }) => post({ kind: "listening", port });
    Deno.serve({ hostname, port, onListen, onError: failed }, answer);
  } catch (thrown) {
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    post({ kind: "failed", problem: problemOf(thrown), text });
  }
}

function problemOf(thrown: unknown): "in_use" | "denied" | "other" {
  if (thrown instanceof Deno.errors.AddrInUse) return "in_use";
  return thrown instanceof Deno.errors.PermissionDenied ? "denied" : "other";
}

/** Nothing about what went wrong is for whoever asks. */
function failed(): Response {
  return new Response("failed\n", { status: 500, headers: plain });
}

async function tryIt(what: Attempt): Promise<void> {
  post({ kind: "tried", what, result: await attempt(what) });
}

self.onmessage = ({ data }: MessageEvent<ToMetrics>) => {
  switch (data.kind) {
    case "start":
      testHooks = data.testHooks;
      return start(data.hostname, data.port);
    case "text":
      return waiting.get(data.id)?.(data.text);
    case "try":
      if (testHooks) void tryIt(data.what);
  }
};

post({ kind: "up" });
