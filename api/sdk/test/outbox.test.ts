import { expect, test } from 'vitest';
import { pass, until } from './clock.ts';
import { Refusal } from './server.ts';
import { inWorld, opened, settled, texts } from './world.ts';

const world = inWorld();

const sends = () => world().server.calls.filter((x) => x.method === 'sendMessage');
const stored = (id: string) =>
  world()
    .server.talks.get(id)
    ?.messages.map((m) => m.text);

test('a message is a line at once, keeps its key when it is stored, and shows once', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  c.send('d', 'hello');
  const [line] = c.lines('d');
  expect(line).toMatchObject({ state: 'pending', text: 'hello', mine: true });
  expect(c.state.unsent).toBe(1);
  await settled(c);
  expect(c.lines('d')).toHaveLength(1);
  expect(c.lines('d')[0]).toMatchObject({ state: 'stored', key: line!.key, seq: 1n, mine: true });
  expect(c.talk('d')?.unread).toBe(0);
});

test('a lost answer makes the same message go again, and it is stored once', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  server.faults.push((x) => (x.method === 'sendMessage' ? 'silent' : undefined));
  c.send('d', 'once');
  c.send('d', 'then');
  await pass(4000);
  expect(c.state.unsent).toBe(2);
  await pass(3000);
  await settled(c);
  expect(sends().map((x) => x.params.text)).toEqual(['once', 'once', 'then']);
  expect(new Set(sends().map((x) => x.params.requestId)).size).toBe(2);
  expect(stored('d')).toEqual(['once', 'then']);
  expect(texts(c, 'd')).toEqual(['once', 'then']);
});

test('a conn that is lost before the answer comes makes no second message', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  server.faults.push((x) => {
    if (x.method !== 'sendMessage') return undefined;
    setTimeout(() => server.end(1006), 1);
    return 'silent';
  });
  c.send('d', 'once');
  await pass(100);
  await settled(c);
  expect(stored('d')).toEqual(['once']);
  expect(texts(c, 'd')).toEqual(['once']);
});

test('temporary errors are tried again after what the server asks for, and order is kept', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  server.talk('e', 'GROUP', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  for (let i = 0; i < 3; i++) {
    server.faults.push((x) =>
      x.method === 'sendMessage' && x.params.conversation === 'd' ? new Refusal('RATE_LIMITED', true, 1500) : undefined,
    );
  }
  c.send('d', 'one');
  c.send('d', 'two');
  c.send('e', 'elsewhere');
  await pass(100);
  expect(stored('e')).toEqual(['elsewhere']);
  await pass(1400);
  expect(sends().filter((x) => x.params.conversation === 'd')).toHaveLength(1);
  await settled(c);
  expect(stored('d')).toEqual(['one', 'two']);
  expect(c.lines('d').every((l) => l.state === 'stored')).toBe(true);
});

test('a refusal for good is told, kept, and tried again or thrown away by hand', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  const failures: unknown[] = [];
  c.on('failed', (f) => failures.push(f));
  for (let i = 0; i < 2; i++) server.faults.push((x) => (x.method === 'sendMessage' ? new Refusal('FORBIDDEN') : undefined));
  c.send('d', 'no');
  c.send('d', 'neither');
  c.send('d', 'yes');
  await pass(200);
  expect(failures).toMatchObject([{ conversation: 'd', reason: 'FORBIDDEN' }, { reason: 'FORBIDDEN' }]);
  expect(c.lines('d').map((l) => [l.text, l.state])).toEqual([
    ['yes', 'stored'],
    ['no', 'failed'],
    ['neither', 'failed'],
  ]);
  c.again('d', c.lines('d')[1]!.key);
  c.drop('d', c.lines('d')[2]!.key);
  await settled(c);
  expect(texts(c, 'd')).toEqual(['yes', 'no']);
});

test('a text that is too long fails here, for it would end the conn', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  c.send('d', '\u0001'.repeat(16_000));
  c.send('d', 'x'.repeat(16_385));
  await pass(500);
  expect(c.lines('d').map((l) => l.state === 'failed' && l.reason)).toEqual(['TOO_LARGE', 'TOO_LARGE']);
  expect(sends()).toHaveLength(0);
  expect(c.state.phase).toBe('online');
});

test('what a closed tab left unsent is sent by the next one, once and in order', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const first = await world().signedIn();
  for (const text of ['one', 'two']) {
    server.faults.push((x) => (x.method === 'sendMessage' && x.params.text === text ? 'silent' : undefined));
  }
  first.send('d', 'one');
  first.send('d', 'two');
  await pass(20); // "one" is stored, and its answer lost
  dispatchEvent(new Event('pagehide'));
  first.stop();
  const c = world().tab();
  void c.start();
  expect(texts(c, 'd')).toEqual(['one', 'two']);
  await pass(8000);
  await settled(c);
  expect(stored('d')).toEqual(['one', 'two']);
  expect([...world().storage.map.keys()].filter((k) => k.includes('unsent'))).toEqual([]);
});

test('what a tab has that lives is not taken by another, and both show it once when it is stored', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const first = await world().signedIn();
  await opened(first, 'd');
  server.faults.push((x) => (x.method === 'sendMessage' ? new Refusal('UNAVAILABLE', true, 20_000) : undefined));
  first.send('d', 'hello');
  await pass(50);
  const c = world().tab();
  void c.start();
  await pass(200);
  await opened(c, 'd');
  expect(texts(c, 'd')).toEqual([]);
  await pass(40_000);
  expect(texts(c, 'd')).toEqual(['hello']);
  expect(texts(first, 'd')).toEqual(['hello']);
  expect(new Set(sends().map((x) => x.params.requestId)).size).toBe(1);
});

test('a message whose answer was lost is settled when it is found among those that are stored', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  server.faults.push((x) => {
    if (x.method !== 'sendMessage') return undefined;
    setTimeout(() => server.end(4001), 1);
    return 'silent';
  });
  server.faults.push((x) => (x.method === 'sendMessage' && x.conn?.user ? new Refusal('UNAVAILABLE', true, 60_000) : undefined));
  c.send('d', 'once');
  await pass(1000);
  expect(c.lines('d').map((l) => l.state)).toEqual(['stored']);
  expect(c.state.unsent).toBe(0);
});

test('with storage that is full messages are sent all the same', async () => {
  const { server, me, other, storage } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  storage.isFull = true;
  c.send('d', 'hello');
  await settled(c);
  expect(stored('d')).toEqual(['hello']);
});

test('signing out throws away what is unsent; being signed out does not', async () => {
  const { server, me, other, storage } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  server.faults.push((x) => (x.method === 'sendMessage' ? 'lost' : undefined));
  c.send('d', 'kept');
  await pass(20);
  server.revokeAll();
  await until(() => c.state.phase === 'signedOut');
  const again = c.signIn('liubei', 'secret');
  await pass(100);
  await again;
  await pass(6000);
  await settled(c);
  expect(stored('d')).toEqual(['kept']);
  server.faults.push((x) => (x.method === 'sendMessage' ? 'lost' : undefined));
  c.send('d', 'thrown away');
  await pass(20);
  const done = c.signOut();
  await pass(100);
  await done;
  expect([...storage.map.keys()].filter((k) => k.includes('unsent') || k.includes('session'))).toEqual([]);
});

test('a picture is uploaded, sent by its ticket in its turn, and its bytes are not fetched again', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  server.faults.push((x) => (x.method === 'uploadImage' ? new Refusal('UNAVAILABLE', true, 1000) : undefined));
  c.sendImage('d', Object.assign(new Blob([new Uint8Array([1])], { type: 'image/png' }), { name: '../cat.png' }));
  c.send('d', 'behind it');
  expect(c.lines('d')[0]).toMatchObject({ state: 'pending', kind: 'image', name: '../cat.png' });
  await pass(500);
  expect(stored('d')).toEqual([]);
  await settled(c);
  expect(c.lines('d').map((l) => l.kind)).toEqual(['image', 'text']);
  expect(sends()[0]?.params.image).toMatch(/^ticket-/);
  expect(await c.image('d', 1n, true)).toMatch(/^blob:/);
  expect(server.count('getImage')).toBe(0);
});

test('a picture that is none is refused: nothing that a browser would run gets a blob: URL', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  const refused = expect(c.image('d', 666n, false)).rejects.toMatchObject({ reason: 'INVALID' });
  await pass(100);
  await refused;
  const good = c.image('d', 5n, false);
  await pass(100);
  expect(await good).toMatch(/^blob:/);
});
