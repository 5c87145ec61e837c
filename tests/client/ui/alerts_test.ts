/** Being told by the terminal, and of requests. */
import assert from "node:assert/strict";
import type { ChatMessage } from "../../../client/engine/api.ts";
import type { AlertSettings } from "../../../client/engine/api_desk.ts";
import { alertFor, Alerts, mentions } from "../../../client/ui/alerts.ts";
import type { ChatContext } from "../../../client/ui/chat_context.ts";
import type { Alert } from "../../../client/ui/dialogue.ts";
import { LineEditor } from "../../../client/ui/line_editor.ts";
import { RequestNews } from "../../../client/ui/request_news.ts";
import { runSlash } from "../../../client/ui/slash_actions.ts";
import { TestScreen } from "./screen.ts";

const off: AlertSettings = { by: "osc9", scope: "off", text: false, conversations: {} };

const inTeam: ChatMessage = {
  local: 1,
  id: "m",
  target: { kind: "group", name: "Team", id: "g" },
  conversation: "#Team",
  from: "bob",
  own: false,
  text: "see you at noon",
  kind: "text",
  ts: 0,
  sentAt: 0,
  state: "received",
  read: false,
};
const toMe: ChatMessage = {
  ...inTeam,
  target: { kind: "direct", name: "bob" },
  conversation: "bob",
};

const text = (message: ChatMessage, settings: AlertSettings) =>
  alertFor(message, { settings, self: "ann" })?.text;

Deno.test("nobody is told of anything who has not asked for it", () => {
  assert.equal(text(toMe, off), undefined);
  assert.equal(text(inTeam, off), undefined);
});

Deno.test("who wrote is told, and the text only to those who want it", () => {
  const all: AlertSettings = { ...off, scope: "all" };
  assert.equal(text(inTeam, all), "Sealpost: bob in #Team");
  assert.equal(text(toMe, { ...all, text: true }), "Sealpost: bob: see you at noon");
  assert.equal(text({ ...toMe, own: true }, all), undefined);
  assert.equal(text({ ...toMe, read: true }, all), undefined, "another device has read it");
});

Deno.test("mentions are private messages and one's name as a word; a conversation may differ", () => {
  const some: AlertSettings = { ...off, scope: "mentions" };
  assert.equal(text(inTeam, some), undefined);
  assert.ok(text({ ...inTeam, text: "ask @Ann." }, some));
  assert.ok(text(toMe, some));
  assert.ok(text(inTeam, { ...some, conversations: { "#team": "all" } }));
  assert.equal(text(toMe, { ...some, conversations: { "@bob": "off" } }), undefined);
  assert.ok(!mentions("annual plans of joann", "ann"));
});

Deno.test("nothing from others can end or change the sequence that tells", async () => {
  const screen = new TestScreen();
  const written: string[] = [];
  screen.write = (one) => void written.push(one);
  const editor = new LineEditor(screen);
  const hostile = { ...toMe, from: "b\x07\x1b]0;x\x07ob;x", text: "a\x07;b\x1b\\\u009cc" };
  const settings: AlertSettings = { ...off, scope: "all", text: true };
  for (const by of ["osc9", "osc777", "bell"] as const) {
    editor.alert(alertFor(hostile, { settings: { ...settings, by }, self: "ann" }) as Alert);
  }
  const [first = "", second = "", third] = written;
  // deno-lint-ignore no-control-regex -- escape sequences are what is looked at
  assert.match(first, /^\x1b\]9;Sealpost: [^\x00-\x1f\x7f-\x9f;]*\x07$/);
  // deno-lint-ignore no-control-regex -- as above
  assert.match(second, /^\x1b\]777;notify;Sealpost;Sealpost: [^\x00-\x1f\x7f-\x9f;]*\x07$/);
  assert.equal(third, "\x07");
  editor.close();
  await screen.settled();
});

Deno.test("alerts come no closer than a pause", () => {
  let now = 0;
  const clock = { now: () => now, monotonic: () => now, after: () => () => undefined };
  const told: Alert[] = [];
  const alerts = new Alerts(
    {
      clock,
      engine: { self: { name: "ann" }, desk: { alerts: () => ({ ...off, scope: "all" }) } },
      dialogue: { interactive: true, alert: (alert: Alert) => told.push(alert) },
    } as unknown as ConstructorParameters<typeof Alerts>[0],
  );
  alerts.tell({ ...toMe, own: true });
  alerts.tell(toMe);
  alerts.tell(inTeam);
  assert.deepEqual(told.map(({ text }) => text), ["Sealpost: bob"]);
  now = 60_000;
  alerts.tell(inTeam);
  assert.equal(told.length, 2);
});

Deno.test("/notify sets what is told where, and says how it is now", async () => {
  let settings = off;
  const said: string[] = [];
  const desk = { alerts: () => settings, setAlerts: (next: AlertSettings) => settings = next };
  const chat = {
    options: { engine: { desk } },
    target: { kind: "group", name: "Team" },
    say: (line: string) => said.push(line),
    remark: (line: string) => said.push(line),
  } as unknown as ChatContext;
  for (const words of ["mentions", "bell", "here all", "@Bob off", "text on"]) {
    await runSlash(chat, "notify", words);
  }
  assert.deepEqual(settings, {
    by: "bell",
    scope: "mentions",
    text: true,
    conversations: { "#team": "all", "@bob": "off" },
  });
  await runSlash(chat, "notify", "bob usual");
  assert.deepEqual(Object.keys(settings.conversations), ["#team"]);
  await runSlash(chat, "notify", "sometimes");
  assert.match(said.at(-1) ?? "", /^Usage: \/notify/);
});

Deno.test("an invitation to a group is told as one, and a stranger's first message as such", () => {
  const told: string[] = [];
  const timers: (() => void)[] = [];
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    after: (_: number, action: () => void) => {
      timers.push(action);
      return () => timers.splice(timers.indexOf(action), 1);
    },
  };
  const news = new RequestNews(clock, (line) => told.push(line));
  const request = { id: 1, kind: "request", ts: 0, seen: false, text: "" };
  news.hold({ ...request, from: "eve", conversation: "g" });
  news.hold({ ...request, from: "bob", conversation: "d" });
  assert.deepEqual(told, []);
  news.seen({ ...inTeam, kind: "notice", from: "eve" });
  assert.equal(told.at(-1), "* eve invites you to #Team: /accept #Team or /decline #Team");
  news.seen(toMe);
  assert.equal(told.at(-1), "* bob would like to write to you: /accept, /decline or /block bob");
  assert.equal(timers.length, 0);
  news.hold({ ...request, from: "zoe", conversation: "z" });
  timers[0]?.();
  assert.match(told.at(-1) ?? "", /^\* zoe would like to write/);
});
