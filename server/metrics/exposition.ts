/**
 * Metrics in Prometheus' text exposition format, version 0.0.4. A small writer of our own: every figure is read from a plain
 * counter of some worker when it is asked for, so that a client library would bring its registry and node's process
 * statistics, which need rights that this process does not have, for the sake of these lines. Pure.
 */
import type { HistogramFigures } from "../../lib/base/histogram.ts";

/** The media type of the text. */
export const expositionType = "text/plain; version=0.0.4; charset=utf-8";

/** Labels of one sample: few, and never anything that people choose. */
export type Labels = Readonly<Record<string, string>>;

/** One value; `labels` tell it from others of its metric. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** A metric. Names of counters end with `_total`. */
export type Metric =
  & { readonly name: string; readonly help: string }
  & (
    | { readonly type: "counter" | "gauge"; readonly samples: readonly Sample[] }
    | { readonly type: "histogram"; readonly figures: HistogramFigures }
  );

/** The text of all metrics. Throws `TypeError` for a name or label that the format does not have. */
export function expositionText(metrics: readonly Metric[]): string {
  return metrics.map(metricText).join("");
}

function metricText(metric: Metric): string {
  const { name, help, type } = metric;
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new TypeError(`no metric's name: ${name}`);
  const samples = metric.type === "histogram"
    ? histogramLines(name, metric.figures)
    : metric.samples.map(({ labels = {}, value }) => line(name, labels, value));
  const explained = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return [`# HELP ${name} ${explained}`, `# TYPE ${name} ${type}`, ...samples, ""].join("\n");
}

function histogramLines(name: string, { bounds, counts, sum }: HistogramFigures): string[] {
  let all = 0;
  const buckets = counts.map((count, index) => {
    all += count;
    const bound = bounds[index];
    return line(`${name}_bucket`, { le: bound === undefined ? "+Inf" : valueText(bound) }, all);
  });
  return [...buckets, line(`${name}_sum`, {}, sum), line(`${name}_count`, {}, all)];
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) throw new TypeError(`no label: ${label}`);
    return `${label}="${escaped(text)}"`;
  });
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${valueText(value)}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
