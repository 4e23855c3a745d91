import { expect, test } from 'vitest';
import { pass, until } from './clock.ts';
import { Refusal } from './server.ts';
import { inWorld, opened, settled, texts } from './world.ts';

const world = inWorld();

test('a thousand conversations are there after a few calls, the first page at once', async () => {
  const { server, me } = world();
  server.pageOfHeads = 300;
  for (let i = 0; i < 1000; i++) {
    const peer = server.user(`n${i}`, `Name ${i}`);
    server.talk(`d${String(i).padStart(4, '0')}`, 'DIRECT', [me, peer]);
    server.say(`d${String(i).padStart(4, '0')}`, peer, `text ${i}`);
  }
  const c = world().tab();
  const done = c.signIn('liubei', 'secret');
  await until(() => c.conversations().length > 0);
  await done;
  expect(c.conversations()).toHaveLength(200);
  await settled(c);
  await pass(1000);
  expect(c.conversations()).toHaveLength(1000);
  expect(c.conversations()[0]).toMatchObject({ name: 'Name 999', unread: 1, preview: { text: 'text 999' } });
  expect(c.conversations().every((t) => t.name !== '' && t.complete)).toBe(true);
  expect(server.calls.length).toBeLessThan(30);
  const before = server.calls.length;
  server.end(1006);
  await pass(2000);
  await settled(c);
  expect(server.calls.length - before).toBeLessThan(5);
});

test('unread and last line follow pushes, and heads after a pause', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  server.talk('e', 'GROUP', [me, other], 'three');
  server.say('d', other, 'one');
  const c = await world().signedIn();
  server.say('e', other, 'newest');
  server.say('e', other, 'joined', { kind: 'MESSAGE_KIND_ADDED' });
  await pass(50);
  expect(c.conversations().map((t) => [t.id, t.unread, t.preview?.text])).toEqual([
    ['e', 1, 'joined'],
    ['d', 1, 'one'],
  ]);
  server.end(1006);
  for (let i = 0; i < 5; i++) server.say('d', other, `missed ${i}`);
  await pass(2000);
  await settled(c);
  await pass(200);
  expect(c.conversations().map((t) => [t.id, t.unread, t.preview?.text])).toEqual([
    ['d', 6, 'missed 4'],
    ['e', 1, 'joined'],
  ]);
  expect(server.count('getMessages')).toBe(0);
});

test('reading counts down at once, is told once for many, and again after a lost conn', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  for (let i = 1; i <= 5; i++) server.say('d', other, String(i));
  const c = await world().signedIn();
  await opened(c, 'd');
  expect(c.talk('d')?.unread).toBe(5);
  for (let i = 1n; i <= 3n; i++) c.read('d', i);
  expect(c.talk('d')?.unread).toBe(2);
  await pass(1000);
  expect(server.count('markRead')).toBe(1);
  c.read('d', 2n);
  server.end(1006);
  c.read('d', 5n);
  await pass(3000);
  await settled(c);
  expect(server.talks.get('d')?.reads.get(me)).toBe(5n);
  expect(c.talk('d')?.unread).toBe(0);
});

test('marks of others are known when it is opened, and follow receipts', async () => {
  const { server, me, other } = world();
  const t = server.talk('d', 'DIRECT', [me, other]);
  server.say('d', me, 'read this');
  server.say('d', me, 'and this');
  t.reads.set(other, 1n);
  const c = await world().signedIn();
  await opened(c, 'd');
  await pass(100);
  expect(c.readBy('d').get(other)).toBe(1n);
  server.pushTo(t, 'receipt', { conversation: 'd', user: other, readSeq: '2' });
  server.pushTo(t, 'receipt', { conversation: 'd', user: other, readSeq: '1' });
  await pass(20);
  expect(c.readBy('d').get(other)).toBe(2n);
});

test('who answers has read', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  server.say('d', me, 'a question');
  const c = await world().signedIn();
  await opened(c, 'd');
  await pass(100);
  expect(c.readBy('d').get(other) ?? 0n).toBe(0n);
  server.say('d', other, 'an answer');
  await pass(20);
  expect(c.readBy('d').get(other)).toBe(2n);
});

test('reading on another device counts here too', async () => {
  const { server, me, other } = world();
  const t = server.talk('d', 'DIRECT', [me, other]);
  for (let i = 1; i <= 5; i++) server.say('d', other, String(i));
  const c = await world().signedIn();
  expect(c.talk('d')?.unread).toBe(5);
  t.reads.set(me, 3n);
  server.pushTo(t, 'receipt', { conversation: 'd', user: me, readSeq: '3', unread: '2' });
  await pass(500);
  expect(c.talk('d')).toMatchObject({ unread: 2, readSeq: 3n });
});

test('a conversation that is made, left, and entered again comes and goes', async () => {
  const { server, me, other } = world();
  const c = await world().signedIn();
  const t = server.talk('g', 'GROUP', [me, other], 'the three');
  server.pushTo(t, 'conversationChanged', { conversation: { ...server.view(t, other), head: { seq: '0' } } });
  await pass(200);
  expect(c.conversations().map((x) => x.name)).toEqual(['the three']);
  await opened(c, 'g');
  const left = c.leave('g');
  await pass(50);
  await left;
  expect(c.conversations()).toEqual([]);
  server.say('g', other, 'while out');
  t.members.add(me);
  server.pushTo(t, 'conversationChanged', { conversation: server.view(t, other) });
  await pass(500);
  expect(c.conversations()).toHaveLength(1);
  server.say('g', other, 'back');
  await pass(500);
  expect(texts(c, 'g').at(-1)).toBe('back');
});

test('what complete heads do not have is gone', async () => {
  const { server, me, other } = world();
  const t = server.talk('g', 'GROUP', [me, other], 'the three');
  const c = await world().signedIn();
  t.members.delete(me);
  server.end(1006);
  const carryOut = server.carryOut.bind(server);
  server.carryOut = (method, params, conn, bearer) =>
    carryOut(method, method === 'openSession' ? { ...params, cursor: '' } : params, conn, bearer);
  await pass(2000);
  await settled(c);
  expect(c.conversations()).toEqual([]);
});

test('a room comes when it is opened, is opened again on every conn, and after a resync', async () => {
  const { server, other } = world();
  server.talk('r', 'ROOM', [other], 'lobby');
  server.say('r', other, 'one');
  const c = await world().signedIn();
  expect(c.conversations()).toEqual([]);
  await opened(c, 'r');
  expect(texts(c, 'r')).toEqual(['one']);
  server.end(1006);
  server.say('r', other, 'missed');
  await pass(2000);
  await settled(c);
  expect(texts(c, 'r')).toEqual(['one', 'missed']);
  server.muted = true;
  server.say('r', other, 'lost');
  server.muted = false;
  for (const conn of server.conns) server.push(conn, 'resync', {});
  await pass(1000);
  expect(texts(c, 'r')).toEqual(['one', 'missed', 'lost']);
  c.close('r');
  await pass(50);
  server.say('r', other, 'not looked at');
  await pass(1000);
  expect(texts(c, 'r')).not.toContain('not looked at');
  await opened(c, 'r');
  await pass(500);
  expect(texts(c, 'r')).toEqual(['one', 'missed', 'lost', 'not looked at']);
});

test('a room that one is in shows what is new although nobody looks at it', async () => {
  const { server, me, other } = world();
  server.talk('r', 'ROOM', [me, other], 'lobby');
  const c = await world().signedIn();
  server.say('r', other, 'hello');
  await pass(90_000);
  expect(c.conversations()[0]).toMatchObject({ name: 'lobby', unread: 1, preview: { text: 'hello' } });
});

test('a resync tells what was lost, and the listeners of a lost conn nothing', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  server.muted = true;
  server.say('d', other, 'lost');
  server.muted = false;
  server.faults.push((x) => (x.method === 'listHeads' ? new Refusal('UNAVAILABLE', true, 300) : undefined));
  for (const conn of server.conns) server.push(conn, 'resync', {});
  await pass(20);
  expect(c.state.behind).toBe(true);
  await pass(2000);
  expect(c.state.behind).toBe(false);
  expect(texts(c, 'd')).toEqual(['lost']);
});

test('a cursor that is worth nothing any more is given up for everything', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  server.muted = true;
  server.say('d', other, 'lost');
  server.faults.push((x) => (x.method === 'listHeads' ? new Refusal('INVALID') : undefined));
  for (const conn of server.conns) server.push(conn, 'resync', {});
  await pass(3000);
  expect(texts(c, 'd')).toEqual(['lost']);
  expect(server.calls.filter((x) => x.method === 'listHeads').at(-1)?.params.cursor).toBe('');
});

test('opening what is not there is refused', async () => {
  const c = await world().signedIn();
  const refused = expect(c.open('nowhere')).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  await pass(500);
  await refused;
  expect(c.lines('nowhere')).toEqual([]);
  expect(c.state.behind).toBe(false);
});

test('memory is bounded: of those not looked at any more some keep some lines', async () => {
  const { server, me, other } = world();
  for (let i = 0; i < 30; i++) {
    server.talk(`d${i}`, 'GROUP', [me, other]);
    for (let n = 0; n < 5; n++) server.say(`d${i}`, other, String(n));
  }
  const c = await world().signedIn();
  for (let i = 0; i < 30; i++) {
    await opened(c, `d${i}`);
    c.close(`d${i}`);
  }
  expect(c.lines('d0')).toEqual([]);
  expect(c.lines('d29')).toHaveLength(5);
  for (let n = 0; n < 500; n++) server.say('d29', other, String(n));
  await pass(1000);
  expect(c.lines('d29').length).toBeLessThanOrEqual(125);
  await opened(c, 'd29');
  expect(texts(c, 'd29').at(-1)).toBe('499');
});

test('direct finds a user by name, and says when there is none', async () => {
  const c = await world().signedIn();
  const refused = expect(c.direct('nobody')).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  const id = c.direct('zhangfei');
  await pass(200);
  await refused;
  await opened(c, await id);
  expect(c.talk(await id)).toMatchObject({ type: 'direct', name: '张飞', peer: world().other });
});
