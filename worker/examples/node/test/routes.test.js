import assert from 'node:assert/strict';
import { test } from 'node:test';
import { now, Routes } from '../link/routes.js';

const delta = (name, removed = false, group = true) => ({ group, removed, name: Buffer.from(name).toString('latin1') });

test('routes are trusted after the whole snapshot, and for the lease of a beat', () => {
  const r = new Routes();
  const lease = 60_000;
  r.grant(now(), lease);
  assert.equal(r.trusted, false);
  assert.equal(r.end(), false, 'a snapshot that has not begun');
  r.begin();
  r.set(delta('房间'));
  r.grant(now(), lease);
  assert.equal(r.trusted, false);
  assert.equal(r.end(), true);
  assert.equal(r.trusted, false);
  const { mono, wall } = now();
  r.grant({ mono: mono - lease, wall }, lease); // by one clock it is over
  assert.equal(r.trusted, false);
  r.grant({ mono, wall: wall - lease }, lease);
  assert.equal(r.trusted, false);
  r.grant(now(), lease);
  assert.equal(r.trusted, true);
  assert.ok(r.hasGroup('房间'));
  assert.ok(!r.hasUser('房间'));
  r.set(delta('房间', true));
  assert.ok(!r.hasGroup('房间'));
  r.void();
  assert.equal(r.trusted, false);
});

test('a new snapshot forgets the old routes', () => {
  const r = new Routes();
  r.begin();
  r.set(delta('ann', false, false));
  assert.ok(r.hasUser('ann'));
  r.begin();
  assert.ok(!r.hasUser('ann'));
});
