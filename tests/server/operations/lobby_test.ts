import assert from "node:assert/strict";
import { serverLimits } from "../../../lib/base/limits.ts";
import { actor, everyBackend, type Person, type World } from "../../contract/world.ts";

function post(world: World, person: Person, text: string, id = crypto.randomUUID() as string) {
  const input = { ...actor(person), post: id, text, sentAt: world.now, signature: "s" };
  return world.ok("lobby.post", input);
}

everyBackend("a post is stored once, told to everybody and replayed", (world) => {
  const erik = world.register("Erik");
  assert.equal(erik.welcome.lobbyHead, 0);
  const id = crypto.randomUUID();
  const first = post(world, erik, "hello", id);
  const [told] = world.told("lobby");
  assert.deepEqual([told?.post.name, told?.post.text, told?.post.seq], ["Erik", "hello", 1]);
  assert.deepEqual(post(world, erik, "hello", id), first);
  assert.deepEqual(world.told("lobby"), []);
  for (let i = 2; i <= 5; i++) post(world, erik, `post ${i}`);
  const page = world.run("lobby.read", { after: 1, limit: 2 });
  assert.deepEqual([page.posts.map(({ seq }) => seq), page.head, page.more], [[2, 3], 5, true]);
  const rest = world.run("lobby.read", { after: 3, limit: 9 });
  assert.deepEqual([rest.posts.map(({ text }) => text), rest.more], [["post 4", "post 5"], false]);
  assert.equal(world.register("sam").welcome.lobbyHead, 5);
});

everyBackend("posts go after their time, and the sequence never begins again", (world) => {
  const erik = world.register("erik");
  post(world, erik, "old");
  world.now += serverLimits.lobbyRetentionMs + 1;
  assert.equal(world.run("retention.run", {}).deleted, 1);
  assert.deepEqual(world.run("lobby.read", { after: 0, limit: 9 }), {
    posts: [],
    head: 1,
    more: false,
  });
  assert.equal(post(world, erik, "new").seq, 2);
});

everyBackend("the lobby keeps no more than its number of posts", (world) => {
  const erik = world.register("erik");
  const count = serverLimits.lobbyRetentionCount + 5;
  const works = Array.from({ length: count }, (_, i) => ({
    name: "lobby.post" as const,
    input: { ...actor(erik), post: crypto.randomUUID(), text: `${i}`, sentAt: 0, signature: "s" },
  }));
  world.batch(works);
  const { posts, head } = world.run("lobby.read", { after: 0, limit: 1 });
  assert.deepEqual([posts[0]?.seq, head], [6, count]);
});

everyBackend("one account fills no more of the lobby than everybody's line can carry", (world) => {
  const [eve, sam] = [world.register("eve"), world.register("sam")];
  const text = "x".repeat(16 * 1024);
  const post = (person: typeof eve) =>
    world.run("lobby.post", {
      ...actor(person),
      post: crypto.randomUUID(),
      text,
      sentAt: world.now,
      signature: "",
    });
  let accepted = 0;
  while (accepted < 1000 && post(eve).ok) accepted += 1;
  assert.ok(accepted > 200 && accepted < 300, `${accepted}`);
  assert.ok(post(sam).ok);
  const refused = post(eve);
  assert.ok(!refused.ok && refused.code === "rate_limited");
  world.now += refused.retryAfterMs ?? 0;
  assert.ok(post(eve).ok);
});
