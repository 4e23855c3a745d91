import { expect, test } from 'vitest';
import { pass, until } from './clock.ts';
import { type ChatServer, Refusal } from './server.ts';
import { inWorld, settled, texts } from './world.ts';

const world = inWorld();

/** dice are random numbers that a seed makes again. */
function dice(seed: number): (sides: number) => number {
  let x = seed * 2654435761 + 1;
  return (sides) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return Math.floor(((x >>> 0) / 2 ** 32) * sides);
  };
}

/** mixed makes pushes come late, twice, and in another order. */
function mixed(server: ChatServer, roll: (n: number) => number): void {
  const push = server.push.bind(server);
  server.push = (conn, method, params) => {
    const copy = JSON.parse(JSON.stringify(params));
    for (let n = roll(8) === 0 ? 2 : 1; n > 0; n--) setTimeout(() => push(conn, method, copy), roll(3) === 0 ? roll(600) : 0);
  };
}

const troubled = [
  'sendMessage',
  'getMessages',
  'getChanges',
  'listHeads',
  'openConversation',
  'markRead',
  'openSession',
  'getConversation',
];

test.each(Array.from({ length: Number(process.env.PARLEY_SEEDS ?? 25) }, (_, i) => i + 1))(
  'whatever happens by chance (%i), all tabs show what is stored',
  async (seed) => {
    const { server, me, other } = world();
    const roll = dice(seed);
    const ids = ['d', 'g', 'r'];
    server.talk('d', 'DIRECT', [me, other]);
    server.talk('g', 'GROUP', [me, other], 'group');
    server.talk('r', 'ROOM', [me, other], 'lobby');
    const a = await world().signedIn({ random: () => roll(1000) / 1000 });
    const b = world().tab({ random: () => roll(1000) / 1000 });
    void b.start();
    await settled(b);
    mixed(server, roll);
    void a.open('d').catch(() => {});
    void a.open('r').catch(() => {});
    void b.open('d').catch(() => {});
    const sent: string[] = [];
    for (let step = 0; step < 150; step++) {
      const id = ids[roll(3)]!;
      const t = server.talks.get(id)!;
      const what = roll(20);
      if (what < 8) server.say(id, other, `${step}`);
      else if (what < 12) {
        sent.push(`mine ${step}`);
        (roll(2) ? a : b).send(id, sent.at(-1)!);
      } else if (what < 14 && t.messages.length > 0) {
        const at = t.first + BigInt(roll(t.messages.length));
        server.change(id, at, roll(3) ? `changed ${step}` : undefined);
      } else if (what === 14) server.end([1006, 4001, 1012, 4002, 1001][roll(5)]!, 'retry-after-ms=700');
      else if (what === 15) {
        server.deaf = true;
        await pass(roll(4000));
        server.deaf = false;
        server.end(1006);
      } else if (what === 16) {
        const method = troubled[roll(troubled.length)];
        const fault = [
          'silent' as const,
          'lost' as const,
          new Refusal('UNAVAILABLE', true),
          new Refusal('RATE_LIMITED', true, 900),
        ][roll(4)]!;
        server.faults.push((c) => (c.method === method ? fault : undefined));
      } else if (what === 17) a.read(id, BigInt(t.messages.length));
      else if (what === 18) {
        if (roll(2)) b.close(id);
        else void b.open(id).catch(() => {});
      } else {
        server.muted = true;
        server.say(id, other, `lost ${step}`);
        server.muted = false;
        for (const c of server.conns) setTimeout(() => server.push(c, 'resync', {}), 300);
      }
      await pass(roll(4) ? roll(50) : roll(1500));
    }
    server.faults.length = 0;
    for (const id of ids) for (const c of [a, b]) void c.open(id).catch(() => {});
    await pass(60_000);
    await until(() => [a, b].every((c) => c.state.phase === 'online' && !c.state.behind && c.state.unsent === 0), 60_000);
    await pass(90_000); // heads are looked at now and then
    for (const id of ids) {
      const t = server.talks.get(id)!;
      for (const c of [a, b]) {
        const shown = texts(c, id);
        expect(shown).toEqual(t.messages.map((m) => m.text ?? '').slice(-shown.length));
        expect(shown.length).toBeGreaterThanOrEqual(Math.min(t.messages.length, 50));
        const read = t.reads.get(me) ?? 0n;
        const unread = t.messages.filter((m) => BigInt(m.seq!) > read && m.sender !== me).length;
        expect(c.talk(id)).toMatchObject({
          unread,
          seq: BigInt(t.messages.length),
          preview: { text: t.messages.at(-1)?.text ?? '' },
        });
      }
    }
    const mine = ids.flatMap((id) => server.talks.get(id)!.messages.filter((m) => m.sender === me));
    expect(new Set(mine.map((m) => m.requestId)).size).toBe(mine.length);
    expect(mine.length).toBe(sent.length);
  },
);
