import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connId, parseConnId } from '../link/conn.js';
import { configOf } from '../link/config.js';

test('flags win over variables, and both have defaults', () => {
  const { registers, cluster, node, secrets } = configOf([], {});
  assert.deepEqual([registers, cluster, secrets], [['127.0.0.1:1236'], 'parley', []]);
  assert.match(node, /-\d+$/);
  const own = configOf(['--register', '10.0.0.1:1,[::1]:2', '--label', 'path=/a=b'], { PARLEY_REGISTER: 'x:1', PARLEY_CLUSTER: 'c', PARLEY_SECRET: 'sixteen-bytes-or sixteen-bytes-to' });
  assert.deepEqual(own.registers, ['10.0.0.1:1', '[::1]:2']);
  assert.deepEqual(own.labels, { path: '/a=b' });
  assert.deepEqual(own.secrets, ['sixteen-bytes-or', 'sixteen-bytes-to']);
  assert.equal(own.cluster, 'c');
  assert.deepEqual([own.tls, own.drainMs], [null, 20_000]);
  assert.equal(configOf([], { PARLEY_DRAIN_TIMEOUT: '300ms' }).drainMs, 300);
});

test('everything wrong is named at once, and no secret with it', () => {
  assert.throws(() => configOf(['--register', 'nowhere', '--label', 'x'], { PARLEY_SECRET: 'tooshort' }), (err) => {
    for (const what of ['"nowhere" is not host:port', '"x" is not KEY=VALUE', 'secret 1 has 8 bytes']) assert.ok(err.message.includes(what), what);
    return !err.message.includes('tooshort');
  });
  assert.throws(() => configOf(['--register', '10.0.0.1:1236'], {}), /not a loopback address: set a secret/);
  assert.throws(() => configOf(['--tls-cert', 'nowhere.pem', '--drain-timeout', '20'], {}), (err) => {
    for (const what of ['one is of no use', '--tls-cert: ENOENT', '--drain-timeout: "20" is no time']) assert.ok(err.message.includes(what), what);
    return true;
  });
  assert.throws(() => configOf(['--nonsense'], {}), /nonsense/);
  assert.equal(configOf(['-h'], {}), null);
});

test('ids of conns are the text that other workers use', () => {
  const id = connId(0x0102030405060708n, 0xfffefdfcfbfaf9f8n);
  assert.equal(id, 'AQIDBAUGBwj__v38-_r5-A');
  assert.deepEqual(parseConnId(id), { boot: 0x0102030405060708n, conn: 0xfffefdfcfbfaf9f8n });
  for (const wrong of ['', 'x', `${id}x`, 'AQIDBAUGBwj//v38+/r5+A']) assert.throws(() => parseConnId(wrong));
});
