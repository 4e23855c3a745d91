import assert from 'node:assert/strict';
import { test } from 'node:test';
import { View } from '../link/view.js';

const member = (boot, revision = 1n) => ({ id: `gw-${boot}`, boot, addr: '', revision });
const [one, two] = [member(1n), member(2n)];
const ids = (view) => view.members.map((m) => m.boot);
const LEASE = 1000;

function view() {
  const v = new View(LEASE);
  v.snapshot('a', [one, two], LEASE, 0);
  return v;
}

test('views of several registers are united', () => {
  const v = view();
  v.snapshot('b', [member(3n)], LEASE, 0);
  assert.deepEqual(ids(v), [1n, 2n, 3n]);
  v.expired('a', 1n, 10);
  assert.deepEqual(ids(v), [2n, 3n]);
  v.snapshot('b', [one], LEASE, 10);
  v.expired('a', 1n, 20); // b still lists it
  assert.ok(ids(v).includes(1n));
});

test('a register that is lost or comes back empty takes nobody with it', () => {
  const v = view();
  v.lost('a', 0);
  v.tick(1e6);
  assert.deepEqual(ids(v), [1n, 2n]);
  v.snapshot('a', [], LEASE, 1e6);
  v.tick(1e6 + 3 * LEASE - 1);
  assert.deepEqual(ids(v), [1n, 2n]);
  v.tick(1e6 + 3 * LEASE);
  assert.deepEqual(ids(v), []);
});

test('a living link outvotes registers', () => {
  const v = view();
  v.link(1n, true, 0);
  v.expired('a', 1n, 0);
  v.left('a', 2n, 2n, 0);
  v.tick(1e6);
  assert.deepEqual(ids(v), [1n]);
  v.link(1n, false, 1e6);
  assert.deepEqual(ids(v), []);
});

test('a leave counts at every register, and until the member says something newer', () => {
  const v = view();
  v.snapshot('b', [one], LEASE, 0);
  v.left('a', 1n, 5n, 0);
  assert.deepEqual(ids(v), [2n]);
  v.snapshot('b', [one], LEASE, 1); // b has not heard
  assert.deepEqual(ids(v), [2n]);
  v.present('b', member(1n, 6n), 2);
  assert.deepEqual(ids(v), [1n, 2n]);
  v.left('a', 1n, 5n, 3); // old news
  assert.deepEqual(ids(v), [1n, 2n]);
});

test('of two accounts of a member the one of the higher revision counts', () => {
  const v = view();
  v.present('b', { ...member(1n, 3n), addr: 'new' }, 0);
  v.present('a', { ...member(1n, 2n), addr: 'old' }, 0);
  assert.equal(v.members[0].addr, 'new');
});
