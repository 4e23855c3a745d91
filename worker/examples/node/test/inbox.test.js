import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inbox, Moved } from '../link/inbox.js';
import { Kind } from '../link/records.js';

// rig is an inbox whose handlers return when they are told to.
function rig() {
  const it = { begun: [], seats: [], ends: [], busy: 0 };
  it.box = new Inbox((seat, event) => {
    it.begun.push(`${event.conn}.${event.term}.${event.lost ? 'lost' : event.seq}`);
    it.seats.push(seat);
    seat.state ??= {};
    seat.turn = new AbortController();
    return new Promise((resolve) => it.ends.push(resolve));
  }, (n) => (it.busy += n), { run: (event, wanted, work) => work(), poke() {} });
  it.settle = () => new Promise(setImmediate);
  it.end = async () => {
    it.ends.shift()();
    await it.settle();
  };
  return it;
}

const message = (conn, term, seq, size = 1) => ({ kind: Kind.MESSAGE, conn, term, seq, payload: Buffer.alloc(size) });

test('events of one conn come one at a time, in order; different conns at once', async () => {
  const it = rig();
  for (const m of [message(1n, 1, 1), message(1n, 1, 2), message(2n, 1, 1)]) it.box.put(m);
  await it.settle();
  assert.deepEqual(it.begun, ['1.1.1', '2.1.1']);
  assert.equal(it.busy, 2);
  await it.end();
  assert.deepEqual(it.begun, ['1.1.1', '2.1.1', '1.1.2']);
  await it.end();
  await it.end();
  assert.equal(it.busy, 0);
});

test('a higher term drops what waits, aborts what runs, and begins after that has returned', async () => {
  const it = rig();
  it.box.put(message(1n, 1, 1));
  it.box.put(message(1n, 1, 2));
  await it.settle();
  const [seat] = it.seats;
  const { turn, state } = seat;
  it.box.put(message(1n, 3, 1));
  it.box.put(message(1n, 2, 9)); // of an owner before us
  assert.ok(turn.signal.reason instanceof Moved);
  assert.equal(seat.holds(1), false);
  await it.settle();
  assert.deepEqual(it.begun, ['1.1.1']);
  await it.end();
  assert.deepEqual(it.begun, ['1.1.1', '1.3.1']);
  assert.notEqual(seat.state, state, 'what was known is of the old term');
});

test('a revoked conn is not ours until it comes back, and keeps its order then', async () => {
  const it = rig();
  it.box.put(message(1n, 1, 1));
  it.box.put(message(1n, 1, 2));
  await it.settle();
  it.box.revoke(1n, 1); // not yet
  assert.equal(it.seats[0].holds(1), true);
  it.box.revoke(1n, 2);
  assert.equal(it.seats[0].holds(1), false);
  it.box.put(message(1n, 3, 2));
  await it.end();
  assert.deepEqual(it.begun, ['1.1.1', '1.3.2'], 'the handler of before had to return first');
});

test('a gateway that gives more than it may breaks the protocol', () => {
  const it = rig();
  for (let seq = 1; seq <= 32; seq++) it.box.put(message(1n, 1, seq));
  assert.throws(() => it.box.put(message(1n, 1, 33)), /more unacknowledged/);
  it.box.put(message(2n, 1, 1, 256 << 10)); // one may go beyond
  assert.throws(() => it.box.put(message(2n, 1, 2)), /more unacknowledged/);
  it.box.put(message(3n, 1, 1, 1 << 20));
});

test('what is acknowledged makes room at once', async () => {
  const it = rig();
  const events = Array.from({ length: 32 }, (_, i) => message(1n, 1, i + 1));
  events.forEach((e) => it.box.put(e));
  await it.settle();
  it.seats[0].discount(events[0]); // before its acknowledgement is sent
  it.box.put(message(1n, 1, 33));
  await it.end();
  assert.throws(() => it.box.put(message(1n, 1, 34)), /more unacknowledged/);
});

test('the end of a stream voids all terms; the same conn begins anew on the next', async () => {
  const it = rig();
  it.box.put(message(1n, 5, 1));
  await it.settle();
  it.box.suspend();
  assert.equal(it.seats[0].holds(5), false);
  it.box.resume();
  it.box.put(message(1n, 5, 1)); // the same term, of a new stream
  await it.end();
  assert.deepEqual(it.begun, ['1.5.1', '1.5.1']);
  assert.equal(it.seats[1].holds(5), true);
});

test('when the gateway is lost each conn that is known gets a last event, once', async () => {
  const it = rig();
  it.box.put(message(1n, 1, 1));
  it.box.put(message(2n, 1, 1));
  await it.settle();
  it.box.leave(it.seats[1]); // 2 has closed
  await it.end();
  await it.end();
  it.box.suspend();
  it.box.lost();
  await it.settle();
  assert.deepEqual(it.begun.slice(2), ['1.1.lost']);
});
