import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HandshakeError, hello, newBoot, prove, shake, transcript } from '../link/handshake.js';

// register/handshake/testdata, beside the protos in the repository.
const golden = readFileSync(new URL('../../../../register/handshake/testdata/transcript.golden', import.meta.url), 'utf8');

test('transcript and proofs are what the vectors say', () => {
  const cases = golden.split('\n\n').filter((part) => part.includes('secret'));
  assert.ok(cases.length >= 2);
  for (const part of cases) {
    const field = (name) => Buffer.from(new RegExp(`^${name} +([0-9a-f]*)$`, 'm').exec(part)[1], 'hex');
    const [dialler, listener] = [parse(field('hello dialler')), parse(field('hello listener'))];
    assert.deepEqual(hello(dialler), field('hello dialler'));
    for (const [side, label] of [['dialler', 'parley/1 dialler'], ['listener', 'parley/1 listener']]) {
      assert.deepEqual(transcript(label, dialler, listener), field(`over ${side}`));
      assert.deepEqual(prove(field('secret').toString(), label, dialler, listener), field(`proof ${side}`));
    }
  }
});

const me = { cluster: 'main', role: 'worker', node: 'w1', boot: 7n, build: '' };
const gateway = { cluster: 'main', role: 'gateway', node: 'gw-1', boot: '9', nonce: Buffer.alloc(32, 1), major: 1, minor: 0, build: '', features: ['x'], expectBoot: '0' };

// listener answers the steps of a dialler.
function listener({ answer = {}, secret = '', refuse = null } = {}) {
  const theirs = { ...gateway, ...answer };
  const said = [];
  return {
    said,
    send: (step) => said.push(step),
    receive: async () => {
      const last = said.at(-1);
      if (last.hello) return { hello: theirs };
      if (refuse) return { refusal: { reason: refuse } };
      const [a, b] = [said[0].hello, theirs].map((h) => ({ ...h, boot: BigInt(h.boot), expectBoot: BigInt(h.expectBoot) }));
      return { welcome: { proof: { mac: prove(secret, 'parley/1 listener', a, b) } } };
    },
  };
}

test('both ends prove that they know the secret', async () => {
  const peer = await shake(listener({ secret: 'one secret of many' }), me, 'gateway', 9n, 'one secret of many');
  assert.equal(peer.node, 'gw-1');
  assert.deepEqual(peer.features, ['x']);
  await shake(listener(), me, 'gateway', 0n, '');
});

test('who does not fit is told apart, and gets no proof', async () => {
  for (const [answer, what] of [
    [{ cluster: 'other' }, /wrong cluster/],
    [{ role: 'register' }, /register gw-1 is not a gateway/],
    [{ major: 2 }, /incompatible version/],
    [{ boot: '10' }, /not the process that was meant/],
    [{ boot: '0' }, /malformed/],
    [{ nonce: Buffer.alloc(31) }, /malformed/],
    [{ node: 'x\u001b[31m' }, /malformed/],
    [{ build: 'x'.repeat(257) }, /malformed/],
  ]) {
    const l = listener({ answer });
    await assert.rejects(shake(l, me, 'gateway', 9n, 'secret'), what);
    assert.equal(l.said.filter((step) => step.proof).length, 0);
  }
});

test('a wrong secret is one clear error, at either end', async () => {
  const wrong = (err) => err instanceof HandshakeError && err.secret && /wrong secret/.test(err.message);
  await assert.rejects(shake(listener({ refuse: 'REASON_PROOF' }), me, 'gateway', 9n, 'ours'), wrong);
  await assert.rejects(shake(listener({ secret: 'theirs' }), me, 'gateway', 9n, 'ours'), wrong);
  await assert.rejects(shake(listener(), me, 'gateway', 9n, 'ours'), wrong);
});

test('a boot is not zero, and another each time', () => assert.notEqual(newBoot(), newBoot()));

// parse reads a hello back from the bytes of a vector.
function parse(b) {
  let at = 0;
  const u32 = () => ((at += 4), b.readUInt32BE(at - 4));
  const u64 = () => ((at += 8), b.readBigUInt64BE(at - 8));
  const bytes = () => { const n = u32(); at += n; return b.subarray(at - n, at); };
  const str = () => bytes().toString();
  return {
    cluster: str(), role: str(), node: str(), boot: u64(), nonce: bytes(), major: u32(), minor: u32(), build: str(),
    features: Array.from({ length: u32() }, str), expectBoot: u64(),
  };
}
