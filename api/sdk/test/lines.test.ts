import { expect, test } from 'vitest';
import { pass, until } from './clock.ts';
import { inWorld, opened, seqs, settled, texts } from './world.ts';

const world = inWorld();

test('a message that is pushed is shown once, also when it comes twice', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  const m = server.say('d', other, 'hello');
  for (const conn of server.conns) server.push(conn, 'message', { message: m });
  await pass(1000);
  expect(texts(c, 'd')).toEqual(['hello']);
  expect(server.count('getMessages')).toBe(1);
});

test('messages that come in another order are shown in theirs, without a call', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  server.muted = true;
  const list = ['one', 'two', 'three'].map((text) => server.say('d', other, text));
  const [conn] = server.conns;
  for (const m of [list[2], list[0], list[1]]) server.push(conn!, 'message', { message: m });
  await pass(1000);
  expect(texts(c, 'd')).toEqual(['one', 'two', 'three']);
  expect(server.count('getMessages')).toBe(1);
});

test('what does not come within the hold is fetched', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  const c = await world().signedIn();
  await opened(c, 'd');
  server.muted = true;
  server.say('d', other, 'lost');
  server.muted = false;
  server.say('d', other, 'came');
  await pass(100);
  expect(texts(c, 'd')).toEqual([]);
  expect(c.conversations()[0]?.complete).toBe(false);
  await pass(400);
  expect(texts(c, 'd')).toEqual(['lost', 'came']);
  expect(c.conversations()[0]?.complete).toBe(true);
});

test.each([8n, 2n ** 53n - 2n])('numbers go on past what text and floats can count, from %s', async (first) => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]).first = first;
  server.say('d', other, '0');
  const c = await world().signedIn();
  await opened(c, 'd');
  for (let i = 1; i < 6; i++) server.say('d', other, String(i));
  await pass(1000);
  expect(texts(c, 'd')).toEqual(['0', '1', '2', '3', '4', '5']);
  expect(c.lines('d').at(-1)?.seq).toBe(first + 5n);
  c.read('d', first + 3n);
  await pass(1000);
  expect(server.talks.get('d')?.reads.get(me)).toBe(first + 3n);
  expect(c.talk('d')?.unread).toBe(2);
});

test('an edit and a recall are shown, and one that was missed is fetched', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  for (const text of ['one', 'two', 'three']) server.say('d', other, text);
  const c = await world().signedIn();
  await opened(c, 'd');
  server.change('d', 1n, 'ONE');
  await pass(20);
  expect(texts(c, 'd')).toEqual(['ONE', 'two', 'three']);
  server.muted = true;
  server.change('d', 2n, 'TWO');
  server.muted = false;
  server.change('d', 3n, undefined);
  await pass(1000);
  expect(texts(c, 'd')).toEqual(['ONE', 'TWO', '']);
  expect(c.lines('d')[2]).toMatchObject({ recalled: true, edited: false });
  expect(server.count('getChanges')).toBe(1);
  expect(c.conversations()[0]?.preview?.recalled).toBe(true);
});

test('of a change that not all may see only that there is one is told, and it is fetched', async () => {
  const { server, me, other } = world();
  const t = server.talk('g', 'GROUP', [me, other], 'large');
  for (const text of ['one', 'two']) server.say('g', other, text);
  const c = await world().signedIn();
  await opened(c, 'g');
  server.muted = true;
  server.change('g', 1n, 'ONE');
  server.pushTo(t, 'conversationChanged', {
    conversation: {
      id: 'g',
      type: 'CONVERSATION_TYPE_GROUP',
      name: 'large',
      members: 500,
      head: { conversation: 'g', seq: '2', rev: '1' },
    },
  });
  await pass(1000);
  expect(texts(c, 'g')).toEqual(['ONE', 'two']);
  expect(server.count('getChanges')).toBe(1);
  expect(c.talk('g')).toMatchObject({ unread: 2, name: 'large' });
});

test('a change of a message that is still missing is not lost', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  server.say('d', other, 'one');
  const c = await world().signedIn();
  await opened(c, 'd');
  server.muted = true;
  const late = server.say('d', other, 'two');
  server.muted = false;
  server.change('d', 2n, 'TWO');
  await pass(50);
  for (const conn of server.conns) server.push(conn, 'message', { message: late }); // as it was
  await pass(1000);
  expect(texts(c, 'd')).toEqual(['one', 'TWO']);
});

test('too many changes to tell make the lines be fetched anew', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  for (let i = 0; i < 10; i++) server.say('d', other, String(i));
  const c = await world().signedIn();
  await opened(c, 'd');
  server.muted = true;
  for (let i = 1n; i <= 10n; i++) server.change('d', i, `new ${i}`);
  const carryOut = server.carryOut.bind(server);
  server.carryOut = (method, params, conn, bearer) =>
    method === 'getChanges' ? { result: { refetchFrom: '1', headRev: '10' } } : carryOut(method, params, conn, bearer);
  for (const conn of server.conns) server.push(conn, 'resync', {});
  await pass(2000);
  expect(texts(c, 'd')).toEqual(Array.from({ length: 10 }, (_, i) => `new ${i + 1}`));
  server.muted = false;
  server.say('d', other, 'after');
  await pass(100);
  expect(seqs(c, 'd')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('older lines come by the page, to the top, and with changes that overtake them', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  for (let i = 1; i <= 120; i++) server.say('d', other, String(i));
  const c = await world().signedIn();
  await opened(c, 'd');
  expect(seqs(c, 'd')).toEqual(Array.from({ length: 50 }, (_, i) => 71 + i));
  // The answer is made before the change and comes after it.
  const carryOut = server.carryOut.bind(server);
  server.carryOut = (method, params, conn, bearer) => {
    const answer = carryOut(method, params, conn, bearer);
    if (method === 'getMessages' && params.before) server.change('d', 30n, 'thirty');
    return answer;
  };
  const done = c.older('d');
  await pass(100);
  expect(await done).toBe(true);
  server.carryOut = carryOut;
  expect(seqs(c, 'd')[0]).toBe(21);
  expect(texts(c, 'd')[9]).toBe('thirty');
  const [a, b] = [c.older('d'), c.older('d')];
  await pass(100);
  expect(await a).toBe(true);
  expect(await b).toBe(true);
  expect(seqs(c, 'd')).toEqual(Array.from({ length: 120 }, (_, i) => 1 + i));
  expect(await c.older('d')).toBe(false);
});

test('a gap too wide begins anew with the newest lines', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  server.say('d', other, 'first');
  const c = await world().signedIn();
  await opened(c, 'd');
  server.end(1001);
  server.muted = true;
  for (let i = 0; i < 3000; i++) server.say('d', other, String(i));
  server.muted = false;
  await pass(20);
  await settled(c);
  await until(() => c.talk('d')?.complete === true);
  expect(seqs(c, 'd').at(-1)).toBe(3001);
  expect(seqs(c, 'd').length).toBe(50);
});

test('a list of lines is the same object until it changes, and so is every line', async () => {
  const { server, me, other } = world();
  server.talk('d', 'DIRECT', [me, other]);
  server.say('d', other, 'one');
  const c = await world().signedIn();
  await opened(c, 'd');
  const before = c.lines('d');
  expect(c.lines('d')).toBe(before);
  server.say('d', other, 'two');
  await pass(20);
  expect(c.lines('d')).not.toBe(before);
  expect(c.lines('d')[0]).toBe(before[0]);
});
