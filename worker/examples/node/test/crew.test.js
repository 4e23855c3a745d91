import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Crew } from '../link/crew.js';

// rig is a crew whose handlers return when they are told to.
function rig(limitMs = 60_000) {
  const it = { log: [], ends: new Map() };
  it.crew = new Crew(limitMs, async (_, { name }) => {
    it.log.push(`alone ${name}`);
    return async () => void it.log.push(`over ${name}`);
  });
  it.settle = async () => { for (let i = 0; i < 4; i++) await new Promise(setImmediate); };
  it.run = (name, alone = false, wanted = () => true) => it.crew.run(null, { name, alone }, wanted, () => {
    it.log.push(name);
    return new Promise((resolve) => it.ends.set(name, resolve));
  });
  it.end = async (name) => {
    it.ends.get(name)();
    await it.settle();
  };
  return it;
}

test('an event at its last try runs when nothing else does, and others wait for it', async () => {
  const it = rig();
  it.run('a');
  it.run('b');
  it.run('last', true);
  it.run('later');
  await it.settle();
  assert.deepEqual(it.log, ['a', 'b']);
  await it.end('a');
  assert.deepEqual(it.log, ['a', 'b']);
  await it.end('b');
  assert.deepEqual(it.log, ['a', 'b', 'alone last', 'last']);
  await it.end('last');
  assert.deepEqual(it.log, ['a', 'b', 'alone last', 'last', 'over last', 'later']);
});

test('those who waited come between two that run alone', async () => {
  const it = rig();
  it.run('one', true);
  it.run('two', true);
  it.run('a');
  await it.settle();
  await it.end('one');
  assert.deepEqual(it.log, ['alone one', 'one', 'over one', 'a']);
  await it.end('a');
  assert.deepEqual(it.log.slice(4), ['alone two', 'two']);
  await it.end('two');
});

test('one that is no longer wanted does not run, and holds up nobody', async () => {
  const it = rig();
  let ours = true;
  it.run('a');
  it.run('gone', true, () => ours);
  it.run('b');
  await it.settle();
  ours = false;
  it.crew.poke();
  await it.settle();
  assert.deepEqual(it.log, ['a', 'b']);
});

test('handlers whose time is over are not waited for, before it or behind it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const it = rig(1000);
  it.run('hangs');
  it.run('last', true);
  it.run('later');
  await it.settle();
  assert.deepEqual(it.log, ['hangs']);
  t.mock.timers.tick(2000);
  await it.settle();
  assert.deepEqual(it.log, ['hangs', 'alone last', 'last']);
  t.mock.timers.tick(2000);
  await it.settle();
  assert.deepEqual(it.log.slice(3), ['over last', 'later']);
  it.run('again', true); // the two that hang have had their time
  await it.end('later');
  assert.deepEqual(it.log.slice(5), ['alone again', 'again']);
});
