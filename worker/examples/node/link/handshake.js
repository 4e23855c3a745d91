// What two processes of a cluster say to each other first, on any stream: who they are,
// and a proof that both know the secret. register/handshake/doc.go defines it.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const MAJOR = 1;
const MINOR = 0;
const MAX_STRING = 256;

// HandshakeError says why we are not taken, or do not take the other end. secret says that
// another secret may do.
export class HandshakeError extends Error {
  constructor(message, secret = false) {
    super(message);
    this.name = 'HandshakeError';
    this.secret = secret;
  }
}

// newBoot is the random number, not zero, that one life of a process bears.
export function newBoot() {
  for (;;) {
    const boot = randomBytes(8).readBigUInt64BE();
    if (boot !== 0n) return boot;
  }
}

// shake is the dialler's side. stream has send(step) and receive(), a promise of the next
// step. local is {cluster, role, node, boot, build}; role is what the other end must be,
// expectBoot which life of it we mean, 0n for any; secret is "" when there is none;
// features is what we can do beyond protocol 1.0. It resolves to the other end's Hello and rejects with a HandshakeError or the stream's error.
export async function shake(stream, local, role, expectBoot, secret, features = []) {
  const mine = {
    ...local,
    nonce: randomBytes(32),
    major: MAJOR,
    minor: MINOR,
    features,
    expectBoot,
  };
  stream.send({ hello: { ...mine, boot: String(mine.boot), expectBoot: String(expectBoot) } });
  const theirs = helloOf(await next(stream, 'hello'));
  fits(mine, theirs, role);
  stream.send({ proof: { mac: prove(secret, 'parley/1 dialler', mine, theirs) } });
  const { mac } = (await next(stream, 'welcome')).proof ?? { mac: Buffer.alloc(0) };
  const want = prove(secret, 'parley/1 listener', mine, theirs);
  if (mac.length !== want.length || !timingSafeEqual(mac, want)) {
    throw new HandshakeError(`${theirs.role} ${theirs.node} does not prove that it knows our secret: wrong secret`, true);
  }
  return theirs;
}

// unguarded is what is wrong with dialling addr, "" when nothing is: with neither a secret
// nor a certificate of our own only loopback is safe.
export function unguarded(addr, secrets, tls) {
  const host = addr.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (secrets.length > 0 || tls?.cert || /^(localhost|127(\.\d+){3}|::1)$/i.test(host)) return '';
  return `${addr} is not a loopback address: set a secret, or use TLS with certificates on both sides`;
}

const reasons = {
  REASON_CLUSTER: 'wrong cluster',
  REASON_MAJOR: 'incompatible version',
  REASON_BOOT: 'not the process that was meant',
  REASON_PROOF: 'wrong secret',
};

async function next(stream, what) {
  const step = await stream.receive();
  if (step?.refusal) {
    const { reason } = step.refusal;
    throw new HandshakeError(`refused: ${reasons[reason] ?? 'malformed handshake'}`, reason === 'REASON_PROOF');
  }
  if (!step?.[what]) throw new HandshakeError(`malformed handshake: a ${what} was due`);
  return step[what];
}

function helloOf(raw) {
  const hello = { ...raw, boot: BigInt(raw.boot), expectBoot: BigInt(raw.expectBoot) };
  const texts = [hello.cluster, hello.role, hello.node, hello.build, ...hello.features];
  const good =
    texts.every((s) => Buffer.byteLength(s) <= MAX_STRING && !/\p{Cc}/u.test(s)) &&
    hello.role !== '' && hello.node !== '' && hello.boot !== 0n && hello.nonce.length === 32 && hello.features.length <= 32;
  if (!good) throw new HandshakeError('malformed handshake: the hello of the listener');
  return hello;
}

// No proof goes to a peer whose hello does not fit: whoever stands in between could pass
// it on to a process of another role, which would take it.
function fits(mine, theirs, role) {
  const peer = `${theirs.role} ${theirs.node}`;
  if (theirs.role !== role) throw new HandshakeError(`${peer} is not a ${role}`);
  if (theirs.cluster !== mine.cluster) {
    throw new HandshakeError(`${peer} is of cluster "${theirs.cluster}", this process of "${mine.cluster}": wrong cluster`);
  }
  if (theirs.major !== MAJOR) {
    throw new HandshakeError(`${peer} speaks version ${theirs.major}.${theirs.minor}, this process ${MAJOR}.${MINOR}: incompatible version`);
  }
  if (mine.expectBoot !== 0n && theirs.boot !== mine.expectBoot) {
    throw new HandshakeError(`${peer}: another boot was meant: not the process that was meant`);
  }
}

// prove computes a proof; without a secret there is none.
export function prove(secret, label, dialler, listener) {
  if (secret === '') return Buffer.alloc(0);
  return createHmac('sha256', secret).update(transcript(label, dialler, listener)).digest();
}

// transcript is what a proof is computed over; exported for the vectors.
export const transcript = (label, dialler, listener) => Buffer.concat([str(label), hello(dialler), hello(listener)]);

export const hello = (h) =>
  Buffer.concat([
    str(h.cluster), str(h.role), str(h.node), u64(h.boot), str(h.nonce),
    u32(h.major), u32(h.minor), str(h.build),
    u32(h.features.length), ...h.features.map(str),
    u64(h.expectBoot),
  ]);

function str(s) {
  const bytes = Buffer.from(s);
  return Buffer.concat([u32(bytes.length), bytes]);
}

function u32(n) {
  const b = Buffer.alloc(4);
  b.writeUInt32BE(n);
  return b;
}

function u64(n) {
  const b = Buffer.alloc(8);
  b.writeBigUInt64BE(n);
  return b;
}
