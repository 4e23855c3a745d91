import { expect, test, vi } from 'vitest';
import { pass, until } from './clock.ts';
import { Refusal } from './server.ts';
import { socketTo } from './wire.ts';
import { inWorld, opened, settled, texts } from './world.ts';

const world = inWorld();

const urls = () => [...world().server.conns].map((c) => c.url);

test('a lost conn is replaced by one to the other gateway, which tells what was missed', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  server.say('d', other, 'before');
  await pass(20);
  const [first] = urls();
  server.down.add(first!);
  server.end(1006);
  server.say('d', other, 'missed');
  await pass(20);
  expect(c.state.phase).not.toBe('online');
  await settled(c);
  expect(urls()).toEqual(server.gateways.filter((g) => g !== first));
  expect(texts(c, 'd')).toEqual(['before', 'missed']);
  expect(server.calls.filter((x) => x.method === 'openSession').at(-1)?.params.cursor).toMatch(/^end:/);
});

test('4001 comes back at once and to the same gateway, and misses nothing', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  const before = urls();
  server.end(4001);
  server.say('d', other, 'missed');
  await pass(100);
  expect(c.state.phase).toBe('online');
  expect(urls()).toEqual(before);
  await settled(c);
  expect(texts(c, 'd')).toEqual(['missed']);
});

test('1012 is answered after its delay, elsewhere', async () => {
  const { server } = world();
  const c = await world().signedIn();
  const [before] = urls();
  server.end(1012, 'retry-after-ms=4000');
  await pass(3900);
  expect(c.state).toMatchObject({ phase: 'waiting', reason: 'RESTART' });
  expect(c.state.retryAt).toBeGreaterThan(Date.now());
  await pass(300);
  expect(c.state.phase).toBe('online');
  expect(urls()[0]).not.toBe(before);
});

test('1012 asks again where the gateways are, and takes the first that is not the old one', async () => {
  const { server } = world();
  await world().signedIn();
  const [before] = urls();
  server.gateways = [before!, 'ws://new:8284/', ...server.gateways.filter((g) => g !== before)];
  server.end(1012, 'retry-after-ms=1000');
  await pass(2000);
  expect(urls()).toEqual(['ws://new:8284/']);
});

test('4004 comes back with another token', async () => {
  const { server } = world();
  const c = await world().signedIn();
  server.expire();
  server.end(4004);
  await pass(200);
  await settled(c);
  expect(server.count('refresh')).toBe(1);
});

test('4504 is the end of the sign-in', async () => {
  const { server, storage } = world();
  const c = await world().signedIn();
  server.revokeAll();
  await pass(100);
  expect(c.state).toMatchObject({ phase: 'signedOut', reason: 'REVOKED' });
  expect(c.me).toBe(null);
  expect(storage.getItem('parley.session')).toBe(null);
  await pass(60_000);
  expect(server.conns.size).toBe(0);
});

test('other codes from 4500 on are not answered until start()', async () => {
  const { server } = world();
  const c = await world().signedIn();
  server.end(4503);
  await pass(60_000);
  expect(c.state).toEqual({ phase: 'waiting', reason: 'ENDED', behind: false, unsent: 0 });
  expect(server.conns.size).toBe(0);
  void c.start();
  await pass(200);
  expect(c.state.phase).toBe('online');
});

test('a conn on which nothing comes is dead after two heartbeats, and asked before', async () => {
  const { server } = world();
  const c = await world().signedIn();
  server.deaf = true;
  await pass(28_000);
  expect(c.state.phase).toBe('online');
  await pass(22_000);
  expect(c.state.phase).not.toBe('online');
  server.deaf = false;
  await settled(c);
});

test('a conn that says nothing by itself is kept as long as it answers', async () => {
  const { server } = world();
  const c = await world().signedIn();
  await pass(300_000);
  expect(c.state.phase).toBe('online');
  expect(server.count('openSession')).toBe(1);
});

test('offline for 30 s, with three sends: all there once, in order, within 6 s', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  server.deaf = true;
  dispatchEvent(new Event('offline'));
  for (const text of ['one', 'two', 'three']) {
    c.send('d', text);
    await pass(3000);
  }
  server.say('d', other, 'missed');
  expect(c.state).toMatchObject({ unsent: 3 });
  expect(c.state.phase).not.toBe('online');
  await pass(21_000);
  server.deaf = false;
  dispatchEvent(new Event('online'));
  await pass(1000);
  await settled(c, 5000);
  expect(texts(c, 'd')).toEqual(['missed', 'one', 'two', 'three']);
  expect(server.talks.get('d')?.messages.map((m) => m.text)).toEqual(['missed', 'one', 'two', 'three']);
});

test.each([0, 700, 1900, 3100])(
  'it is back within 6 s of the network although nobody tells of it (%i ms later)',
  async (shift) => {
    const { server } = world();
    const c = await world().signedIn({ random: Math.random });
    server.deaf = true;
    c.send('nowhere', 'so that the conn is missed');
    await until(() => c.state.phase !== 'online', 60_000);
    await pass(30_000 + shift);
    server.deaf = false;
    await until(() => c.state.phase === 'online', 6000);
  },
);

test('gateways that refuse are asked seldom, although a pause waits for who is silent', async () => {
  const { server } = world();
  let tries = 0;
  const counted = new Proxy(socketTo(server), {
    construct: (target, args: ConstructorParameters<typeof WebSocket>) => {
      tries++;
      return new target(...args);
    },
  });
  await world().signedIn({ WebSocket: counted });
  for (const g of server.gateways) server.down.add(g);
  server.end(1006);
  await pass(20_000);
  tries = 0;
  await pass(90_000);
  expect(tries).toBeLessThanOrEqual(1 + 90_000 / 2750); // half of the longest pause, by the dice of the tests
  expect(tries).toBeGreaterThan(90_000 / 3000);
});

test.each([0, 700, 1900, 3100, 4700])('it is back within 6 s of gateways that refused (%i ms later)', async (shift) => {
  const { server } = world();
  const c = await world().signedIn({ random: () => 0.999 });
  for (const g of server.gateways) server.down.add(g);
  server.end(1006);
  await pass(30_000 + shift);
  server.down.clear();
  await until(() => c.state.phase === 'online', 6000);
});

test.each([0, 700, 1900, 3100, 4700])(
  'it is back within 6 s of gateways that were silent, whatever the dice (%i ms later)',
  async (shift) => {
    const { server } = world();
    const c = await world().signedIn({ random: () => 0.999 });
    for (const g of server.gateways) server.hung.add(g);
    server.end(1006);
    await pass(30_000 + shift);
    server.hung.clear();
    await until(() => c.state.phase === 'online', 6000);
  },
);

test('a gateway that takes no handshake is left for the other one', async () => {
  const { server } = world();
  server.hung.add('ws://a:8282/');
  server.down.add('ws://b:8283/');
  const c = world().tab();
  const done = c.signIn('liubei', 'secret');
  await pass(100);
  await done;
  await pass(4000);
  expect(c.state.phase).not.toBe('online');
  server.down.clear();
  await until(() => c.state.phase === 'online', 6000);
  expect(urls()).toEqual(['ws://b:8283/']);
});

test('with the api away the gateways of last time do', async () => {
  const { server } = world();
  const first = await world().signedIn();
  first.stop();
  server.apiDown = true;
  const c = world().tab();
  void c.start();
  await settled(c);
  expect(c.me?.name).toBe('liubei');
});

test('a page without api signs in and chats over sockets alone', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  server.apiDown = true;
  const c = await world().signedIn({ gateways: ['ws://gone:1/', 'ws://a:8282/'] });
  await opened(c, 'd');
  c.send('d', 'hello');
  await settled(c);
  expect(texts(c, 'd')).toEqual(['hello']);
});

test('an openSession that is answered temporary is asked again on the same conn', async () => {
  const { server } = world();
  const c = await world().signedIn();
  server.faults.push((x) => (x.method === 'openSession' ? new Refusal('UNAVAILABLE', true, 500) : undefined));
  server.end(1006);
  await pass(20);
  await settled(c);
  const [a, b] = server.calls.filter((x) => x.method === 'openSession').slice(-2);
  expect(a?.conn).toBe(b?.conn);
  expect(b!.at - a!.at).toBeGreaterThanOrEqual(500);
});

test('somebody who looks, or the network, makes a conn that waits try at once', async () => {
  const { server } = world();
  const c = await world().signedIn();
  for (const g of server.gateways) server.down.add(g);
  server.end(1006);
  await pass(20_000);
  server.down.clear();
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  vi.stubGlobal('document', document);
  dispatchEvent(new Event('online'));
  await pass(100);
  expect(c.state.phase).toBe('online');
});

test('what is pushed and is nonsense ends nothing', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  const [conn] = server.conns;
  for (const params of [
    {},
    { message: {} },
    { message: { conversation: 'd', seq: '-1' } },
    { message: { conversation: 'd', seq: 'x' } },
  ]) {
    server.push(conn!, 'message', params);
  }
  for (const method of ['messageChanged', 'receipt', 'conversationChanged', 'typing', 'presence', 'unheardOf', '__proto__']) {
    server.push(conn!, method, {});
    server.push(conn!, method, { conversation: '__proto__', user: 'constructor', change: { conversation: 'd' } });
  }
  for (const frame of [null, 7, 'x', [], [null], {}, { id: 99 }, { id: 1, error: null }]) conn!.write(frame);
  server.say('d', other, '<img src=x onerror=alert(1)>');
  await pass(2000);
  expect(texts(c, 'd')).toEqual(['<img src=x onerror=alert(1)>']);
  expect(c.state.phase).toBe('online');
});
