// Against real processes: PARLEY_BIN=folder npm test, with the programs in folder, built by
// go build -o folder/ ./register/cmd/parley-register ./gateway/cmd/parley-gateway
// ./worker/chat/cmd/parley-worker ./api/cmd/parley-api

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, type Line } from '../src/index.ts';
import { Cluster, real } from './cluster.ts';
import { MemoryStorage } from './memory.ts';

const bin = globalThis.process?.env.PARLEY_BIN ?? '';

describe.skipIf(!bin)('with real processes', () => {
  const cluster = new Cluster(bin);
  const clients: Client[] = [];

  const client = (storage: Storage = new MemoryStorage()) => {
    const c = new Client({ api: cluster.api, storage });
    clients.push(c);
    return c;
  };
  const online = (c: Client) => real(() => c.state.phase === 'online' && !c.state.behind && c.state.unsent === 0);
  const texts = (c: Client, id: string) => c.lines(id).map((l: Line) => l.text);
  const people = async () => {
    const [a, b] = [client(), client()];
    const name = `n${Math.random().toString(36).slice(2)}`;
    await a.signUp(`${name}a`, 'secret-123', '刘备');
    await b.signUp(`${name}b`, 'secret-123', '张飞');
    const id = await a.direct(`${name}b`);
    await Promise.all([a.open(id), b.open(id)]);
    return { a, b, id };
  };

  beforeAll(() => cluster.start('2m'), 90_000);
  afterAll(async () => {
    for (const c of clients) c.stop();
    await cluster.stop();
  }, 30_000);

  test('two talk: lines, names, unread, marks, typing, presence, an edit and a recall', async () => {
    const { a, b, id } = await people();
    a.send(id, 'hello');
    await real(() => texts(b, id).includes('hello'));
    await real(() => a.talk(id)?.name === '张飞' && b.talk(id)?.name === '刘备');
    expect(b.talk(id)?.unread).toBe(1);
    b.read(id, b.talk(id)!.seq);
    await real(() => a.readBy(id).get(b.me!.id!) === 1n);
    a.typing(id);
    await real(() => b.typists(id).length === 1);
    a.online(b.me!.id!);
    await real(() => a.online(b.me!.id!));
    await a.edit(id, 1n, 'HELLO');
    await real(() => texts(b, id)[0] === 'HELLO');
    await a.recall(id, 1n);
    await real(() => b.lines(id)[0]?.state === 'stored' && texts(b, id)[0] === '');
    expect(texts(a, id)).toEqual(texts(b, id));
  }, 60_000);

  test('a guest sees the lobby, and what is said there', async () => {
    const { a } = await people();
    const g = client();
    expect((await g.server()).guests).toBe(true);
    await g.signInGuest('客人');
    const lobby = await g.room('lobby');
    await g.open(lobby);
    await a.open(lobby);
    a.send(lobby, 'welcome');
    await real(() => texts(g, lobby).includes('welcome'));
    await real(() => g.conversations().some((t) => t.id === lobby && t.preview?.text === 'welcome'));
  }, 60_000);

  test('who looks at the lobby is told', async () => {
    const { a, b } = await people();
    const lobby = await a.room('lobby');
    await Promise.all([a.open(lobby), b.open(lobby)]);
    const { users } = await a.looking(lobby);
    expect(users.map((u) => u.id)).toEqual(expect.arrayContaining([a.me?.id, b.me?.id]));
  }, 60_000);

  test('a picture goes and comes', async () => {
    const { a, b, id } = await people();
    const png = Uint8Array.from(
      atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='),
      (c) => c.charCodeAt(0),
    );
    a.sendImage(id, Object.assign(new Blob([png], { type: 'image/png' }), { name: '猫.png' }));
    await real(() => b.lines(id).some((l) => l.kind === 'image'));
    const line = b.lines(id).find((l) => l.kind === 'image');
    expect(line).toMatchObject({ image: { type: 'image/png', width: 1, height: 1, name: '猫.png' } });
    expect(await b.image(id, line!.seq!, true)).toMatch(/^blob:/);
    expect(await b.image(id, line!.seq!, false)).toMatch(/^blob:/);
  }, 60_000);

  test('gateways and workers are killed while two talk: everything once, in order', async () => {
    const { a, b, id } = await people();
    const sent: string[] = [];
    const say = setInterval(() => {
      const who = sent.length % 2 === 0 ? a : b;
      sent.push(`${sent.length}`);
      who.send(id, sent.at(-1)!);
    }, 50);
    for (const victim of ['gateway-0', 'worker-0', 'gateway-1', 'worker-1']) {
      await cluster.kill(victim);
      await real(() => a.state.phase === 'online' && b.state.phase === 'online');
      cluster.again.get(victim)!();
      const so = sent.length;
      await real(() => sent.length > so + 20);
    }
    clearInterval(say);
    await Promise.all([online(a), online(b)]);
    await real(() => a.lines(id).length === sent.length && b.lines(id).length === sent.length);
    expect(texts(a, id)).toEqual(texts(b, id));
    expect([...texts(a, id)].sort()).toEqual([...sent].sort());
    const own = texts(a, id).filter((t) => Number(t) % 2 === 0);
    expect(own).toEqual(own.toSorted((x, y) => Number(x) - Number(y)));
  }, 180_000);

  test('tokens end on the living conn, and after it, and nobody notices', async () => {
    const storage = new MemoryStorage();
    const a = client(storage);
    await a.signUp(`t${Math.random().toString(36).slice(2)}`, 'secret-123');
    await online(a);
    const second = client(storage);
    await second.start();
    await online(second);
    const token = () => JSON.parse(storage.getItem('parley.session')!).access as string;
    const before = token();
    const phases = new Set<string>();
    a.on('state', (s) => phases.add(s.phase));
    await real(() => token() !== before, 130_000);
    await new Promise((done) => setTimeout(done, 35_000)); // past the end of the first one
    expect((await a.call('getUsers', { ids: [a.me!.id!] })).users).toHaveLength(1);
    expect([...phases].filter((p) => p !== 'online')).toEqual([]);
    expect([a.state.phase, second.state.phase]).toEqual(['online', 'online']);
    await a.signOut();
    expect(a.me).toBe(null);
  }, 240_000);
});
