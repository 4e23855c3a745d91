import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outlog } from '../link/outlog.js';
import { Result } from '../link/protos.js';

const never = new AbortController().signal;
const ok = Result.encode({ status: 'STATUS_OK' });
const make = (n) => Buffer.from([n]);

// sent takes everything that the log would send now.
function sent(log) {
  const all = [];
  for (let b; (b = log.take()); ) all.push(...b);
  return all;
}

function log(t, next = 1) {
  const l = new Outlog(next, () => {});
  t.after(() => l.close(new Error('the test is over')));
  return l;
}

// asked queues a command and catches its answer.
function asked(l, signal = never) {
  const answer = { status: null, err: null };
  answer.done = l.command(make, signal).then(({ status }) => (answer.status = status), (err) => (answer.err = err.message));
  return answer;
}

test('what is not applied is sent again on the next stream, in order, and the rest is not', async (t) => {
  const l = log(t);
  l.attach(0);
  const first = asked(l);
  for (let i = 0; i < 3; i++) asked(l);
  l.note(Buffer.from([100])); // an acknowledgement
  assert.deepEqual(sent(l), [1, 2, 3, 4, 100]);
  l.result(1, ok);
  await first.done;
  l.apply(1);
  l.detach();
  l.note(Buffer.from([101])); // void: there is no stream
  asked(l);
  l.attach(3); // it had applied more than it could tell
  assert.deepEqual(sent(l), [2, 3, 4, 5], '2 and 3 for their results, 4 and 5 to be applied');
  for (const n of [2, 3, 4, 5]) l.result(n, ok);
  l.apply(5);
  assert.ok(l.flushed);
  assert.equal(l.awaiting, 6);
});

test('a gateway that has forgotten gets nothing twice, and what it does not know is unknown', async (t) => {
  const l = log(t);
  l.attach(0);
  const answer = asked(l);
  assert.deepEqual(sent(l), [1]);
  l.apply(1);
  l.detach();
  l.attach(0);
  await answer.done;
  assert.equal(answer.status, 'STATUS_UNKNOWN');
  assert.deepEqual(sent(l), []);
});

test('without a stream nobody waits for an answer for long, and the command stays', async (t) => {
  const l = log(t);
  const answer = asked(l);
  await answer.done;
  assert.match(answer.err, /link to the gateway is down/);
  const next = asked(l);
  await next.done;
  assert.match(next.err, /link to the gateway is down/);
  l.attach(0);
  assert.deepEqual(sent(l), [1, 2]);
});

test('a full log makes commands wait, and lets acknowledgements pass until it is twice as full', async (t) => {
  const l = log(t);
  l.attach(0);
  const big = () => Buffer.alloc(4 << 20);
  for (let i = 0; i < 4; i++) l.command(big, never).catch(() => {});
  while (l.take());
  const late = new AbortController();
  const waits = asked(l, late.signal);
  const goes = asked(l);
  await l.roomForAcks(); // is not held up
  assert.equal(l.next, 5);
  late.abort(new Error('too late'));
  await waits.done;
  assert.equal(waits.err, 'too late');
  l.apply(1);
  await new Promise(setImmediate);
  assert.equal(l.next, 6, 'the one that still waits has its number');
  l.result(5, ok);
  await goes.done;

  for (let i = 0; i < 5; i++) l.note(big());
  let room = false;
  l.roomForAcks().then(() => (room = true));
  await new Promise(setImmediate);
  assert.equal(room, false);
  while (l.take());
  await new Promise(setImmediate);
  assert.equal(room, true);
});

test('a record that breaks a bound takes no number', async (t) => {
  const l = log(t, 41);
  l.attach(0);
  await assert.rejects(l.command(() => { throw new Error('too large'); }, never), /too large/);
  asked(l);
  assert.deepEqual(sent(l), [41]);
});

test('messages of the stream have whole records and about 64 KiB', (t) => {
  const l = log(t);
  l.attach(0);
  for (let i = 0; i < 5; i++) l.note(Buffer.alloc(30_000));
  l.note(Buffer.alloc(200_000));
  const sizes = [];
  for (let b; (b = l.take()); ) sizes.push(b.length);
  assert.deepEqual(sizes, [60_000, 60_000, 30_000, 200_000]);
});

test('when the gateway has left, whoever waits hears so', async (t) => {
  const l = log(t);
  l.attach(0);
  const answer = asked(l);
  l.close(new Error('the gateway has left the cluster'));
  await answer.done;
  assert.match(answer.err, /has left/);
  const next = asked(l);
  await next.done;
  assert.match(next.err, /has left/);
});
