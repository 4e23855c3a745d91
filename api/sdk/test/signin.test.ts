import { expect, test, vi } from 'vitest';
import { pass, until } from './clock.ts';
import { Refusal } from './server.ts';
import { inWorld, opened, settled, texts } from './world.ts';

const world = inWorld();

test('what is wrong is told, and nothing is kept', async () => {
  const c = world().tab();
  const refused = expect(c.signIn('liubei', 'wrong')).rejects.toMatchObject({ reason: 'UNAUTHENTICATED', temporary: false });
  await pass(100);
  await refused;
  expect(c.state.phase).toBe('signedOut');
  await c.start();
  expect(c.state.phase).toBe('signedOut');
});

test('a sign-in outlives the tab', async () => {
  const first = await world().signedIn();
  first.stop();
  const c = world().tab();
  expect(c.me?.name).toBe('liubei');
  await c.start();
  await settled(c);
  expect(world().server.count('signIn')).toBe(1);
  const [a, b] = world().server.calls.filter((x) => x.method === 'openSession');
  expect(a?.params.device).toBe(b?.params.device);
});

test('the token is renewed on the living conn when the server asks', async () => {
  const { server } = world();
  const c = await world().signedIn();
  for (const conn of server.conns) server.push(conn, 'renew', {});
  await pass(100);
  expect(server.count('refresh')).toBe(1);
  expect(server.count('renew')).toBe(1);
  await pass(3_600_000);
  expect(c.state.phase).toBe('online');
  expect(server.count('openSession')).toBe(1);
});

test.each([-10, 10])('a clock that is %i minutes wrong harms nothing, for hours', async (minutes) => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const now = () => Date.now() + minutes * 60_000;
  const c = await world().signedIn({ now });
  await opened(c, 'd');
  for (let hour = 0; hour < 3; hour++) {
    await pass(3_600_000);
    c.send('d', `${hour}`);
    await settled(c);
  }
  server.end(1006);
  await pass(50);
  await settled(c);
  expect(texts(c, 'd')).toEqual(['0', '1', '2']);
  c.stop();
  const again = world().tab({ now });
  void again.start();
  await settled(again);
  expect(again.me?.name).toBe('liubei');
});

test('a clock that jumps is no end of anything', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  let shift = 0;
  const c = await world().signedIn({ now: () => Date.now() + shift });
  await opened(c, 'd');
  for (shift of [-3_600_000, 3_600_000, 0]) {
    c.send('d', String(shift));
    await pass(60_000);
    await settled(c);
  }
  expect(texts(c, 'd')).toEqual(['-3600000', '3600000', '0']);
});

test('a token that ended while nobody looked is replaced', async () => {
  const { server } = world();
  const first = await world().signedIn();
  first.stop();
  await pass(86_400_000);
  const c = world().tab();
  void c.start();
  await settled(c);
  expect(server.count('refresh')).toBe(1);
});

test('a refresh that was not answered is repeated with the same id, also by the next tab', async () => {
  const { server } = world();
  const first = await world().signedIn();
  server.expire();
  server.faults.push((x) => {
    if (x.method !== 'refresh') return undefined;
    setTimeout(() => first.stop(), 1);
    return 'silent';
  });
  server.end(4004);
  await pass(200);
  const c = world().tab();
  void c.start();
  await until(() => c.state.phase === 'online', 60_000);
  const ids = server.calls.filter((x) => x.method === 'refresh').map((x) => x.params.requestId);
  expect(ids.length).toBeGreaterThanOrEqual(2);
  expect(new Set(ids).size).toBe(1);
});

/** locks is navigator.locks, as browsers have it. */
function locks() {
  const chains = new Map<string, Promise<unknown>>();
  const request = (name: string, f: () => Promise<unknown>) => {
    const run = (chains.get(name) ?? Promise.resolve()).then(f, f);
    chains.set(
      name,
      run.catch(() => {}),
    );
    return run;
  };
  return { request };
}

test.each(['navigator.locks', 'storage'])('of two tabs one refreshes, by %s', async (by) => {
  if (by === 'navigator.locks') vi.stubGlobal('navigator', { locks: locks() });
  const { server } = world();
  const a = await world().signedIn();
  const b = world().tab();
  void b.start();
  await settled(b);
  server.expire();
  server.end(4004);
  await pass(1000);
  await settled(a);
  await settled(b);
  expect(server.count('refresh')).toBe(1);
  for (const conn of server.conns) server.push(conn, 'renew', {});
  await pass(1000);
  expect(server.count('refresh')).toBe(2); // the other tab takes what the first one got
  expect([a.state.phase, b.state.phase]).toEqual(['online', 'online']);
});

test('a lock in storage whose tab died is not waited for for ever', async () => {
  const { server, storage } = world();
  const c = await world().signedIn();
  storage.setItem('parley.lock.refresh', JSON.stringify({ owner: 'dead', until: Date.now() + 30_000 }));
  server.expire();
  server.end(4004);
  await pass(35_000);
  await until(() => c.state.phase === 'online');
});

test('a refresh token that was used by somebody else ends the sign-in, in all tabs', async () => {
  const { server, storage } = world();
  const a = await world().signedIn();
  const b = world().tab();
  void b.start();
  await settled(b);
  const { refresh } = JSON.parse(storage.getItem('parley.session')!);
  expect(server.carryOut('refresh', { refresh, requestId: 'thief' })).toHaveProperty('result');
  for (const conn of server.conns) server.push(conn, 'renew', {});
  await pass(2000);
  expect([a.state.phase, b.state.phase]).toEqual(['signedOut', 'signedOut']);
  expect(a.me).toBe(null);
  expect(a.conversations()).toEqual([]);
});

test('a refresh that fails for a while signs nobody out', async () => {
  const { server } = world();
  const c = await world().signedIn();
  server.expire();
  for (const e of [new Refusal('UNAVAILABLE', true), new Refusal('INTERNAL'), new Refusal('RATE_LIMITED', true, 2000)]) {
    server.faults.push((x) => (x.method === 'refresh' ? e : undefined));
  }
  server.end(4004);
  await pass(20_000);
  await settled(c);
  expect(c.me?.name).toBe('liubei');
});

test('signing out in one tab signs out the others; signing in brings them back', async () => {
  const { storage } = world();
  const a = await world().signedIn();
  const b = world().tab();
  void b.start();
  await settled(b);
  const out = a.signOut();
  storage.tell('parley.session');
  await pass(100);
  await out;
  expect(b.state.phase).toBe('signedOut');
  expect(world().server.conns.size).toBe(0);
  const done = a.signIn('zhangfei', 'secret');
  await pass(100);
  await done;
  storage.tell('parley.session');
  await settled(b);
  expect(b.me?.name).toBe('zhangfei');
});

test('a call that is refused for its token is made again with another', async () => {
  const { server } = world();
  const c = await world().signedIn();
  server.expire();
  const done = c.call('getUsers', { names: ['zhangfei'] });
  await pass(2000);
  expect((await done).users?.[0]?.id).toBe(world().other);
  expect(server.count('refresh')).toBe(1);
});

test('nothing is kept where storage is forbidden', async () => {
  const broken = new Proxy(
    {},
    {
      get() {
        throw new DOMException('no', 'SecurityError');
      },
    },
  ) as Storage;
  const c = await world().signedIn({ storage: broken });
  expect(c.state.phase).toBe('online');
  const d = await world().signedIn({ storage: null });
  expect(d.state.phase).toBe('online');
  expect(world().storage.map.size).toBe(0);
});

test('the late end of an old sign-in does not end the one that another tab has made since', async () => {
  const { server, storage } = world();
  const a = await world().signedIn();
  const other = server.carryOut('signIn', { name: 'liubei', password: 'secret' }) as {
    result: { tokens: { access: string; refresh: string } };
  };
  const kept = JSON.parse(storage.getItem('parley.session')!);
  storage.setItem('parley.session', JSON.stringify({ ...kept, ...other.result.tokens, request: 'r1' }));
  const [conn] = server.conns;
  conn!.close(4504, '');
  await pass(2000);
  await settled(a);
  expect(a.me?.name).toBe('liubei');
});
