import { expect, test } from 'vitest';
import { pass } from './clock.ts';
import { inWorld, opened } from './world.ts';

const world = inWorld();

test('a user is fetched once, with the others, and told', async () => {
  const { server } = world();
  const ids = Array.from({ length: 150 }, (_, i) => server.user(`n${i}`));
  const c = await world().signedIn();
  let told = 0;
  c.on('people', () => told++);
  for (const id of [...ids, ...ids, 'nobody']) expect(c.user(id)).toBeUndefined();
  await pass(1000);
  expect(ids.every((id) => c.user(id)?.id === id)).toBe(true);
  expect(c.user('nobody')).toBeUndefined();
  await pass(1000);
  expect(server.count('getUsers')).toBe(1);
  expect(told).toBe(1);
});

test('presence is asked for those who are shown, follows pushes, and is asked again on another conn', async () => {
  const { server, other } = world();
  const c = await world().signedIn();
  expect(c.online(other)).toBe(false);
  await pass(200);
  expect(c.online(other)).toBe(true);
  const push = (online: boolean, owner: string, counter: string) => {
    for (const conn of server.conns) server.push(conn, 'presence', { presence: { user: other, online, owner, counter } });
  };
  push(false, 'w1', '10');
  push(true, 'w1', '9'); // older
  await pass(20);
  expect(c.online(other)).toBe(false);
  push(true, 'w2', '1'); // of another owner: later counts
  await pass(20);
  expect(c.online(other)).toBe(true);
  server.end(1006);
  await pass(2000);
  expect(server.count('getPresence')).toBe(2);
});

test('news that comes while presence is asked for is kept, and it is asked again', async () => {
  const { server, other } = world();
  const c = await world().signedIn();
  c.online(other);
  let told = false;
  server.faults.push((x) => {
    if (x.method === 'getPresence' && !told) {
      told = true;
      for (const conn of server.conns) {
        server.push(conn, 'presence', { presence: { user: other, online: false, owner: 'w9', counter: '2' } });
      }
    }
    return undefined;
  });
  await pass(70);
  expect(c.online(other)).toBe(false);
  await pass(200);
  expect(server.count('getPresence')).toBe(2);
  expect(c.online(other)).toBe(true);
});

test('typing ends by itself, and with a message', async () => {
  const { server, me, other } = world();
  const t = server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  const told: string[] = [];
  c.on('typing', (id) => told.push(id));
  server.pushTo(t, 'typing', { conversation: 'd', user: other, typing: true });
  await pass(20);
  expect(c.typists('d')).toEqual([other]);
  await pass(6500);
  expect(c.typists('d')).toEqual([]);
  server.pushTo(t, 'typing', { conversation: 'd', user: other, typing: true });
  server.say('d', other, 'this');
  await pass(20);
  expect(c.typists('d')).toEqual([]);
  expect(told.length).toBeGreaterThanOrEqual(4);
});

test('that one types is said every 3 s or more, and that one stopped', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  for (let i = 0; i < 100; i++) {
    c.typing('d');
    await pass(100);
  }
  await pass(6000);
  const said = server.calls.filter((x) => x.method === 'setTyping').map((x) => x.params.typing);
  expect(said).toEqual([true, true, true, true, false]);
});
