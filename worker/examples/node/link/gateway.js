// One gateway of the view, known by its boot. It outlives the streams to it: each is
// dialled, attached and served here, and when it has ended the next is dialled after a
// pause, until the view drops the gateway.
import { pause, sleep, within } from './backoff.js';
import { Channel } from './channel.js';
import { eventsOf } from './events.js';
import { shake, unguarded } from './handshake.js';
import { Inbox } from './inbox.js';
import { log } from './log.js';
import { Outlog } from './outlog.js';
import { Attach, Attached, LinkService } from './protos.js';
import { read } from './read.js';
import { Kind } from './records.js';
import { now, Routes } from './routes.js';
import * as write from './write.js';

const ATTACH_MS = 5000; // dial, handshake, Attached
const BEAT_MS = 250;
const PATIENCE_MS = 3000; // without a record: the stream is dead
const GOODBYE_MS = 1000; // for the gateway to end a stream that we have ended

export class Gateway {
  routes = new Routes();
  maxSessionBytes = Infinity; // until it has said
  drained = false; // nothing is ours there, and nothing will be
  #leaving = false; // it drains
  #member;
  #worker;
  #missed;
  #log;
  #inbox;
  #channel = null;
  #stream = null; // that records go to; null while not attached
  #features = []; // what it can do beyond protocol 1.0
  #noted = new Map(); // by number: called when it has noted that an event runs alone
  #beats = new Map(); // by token: when it was sent
  #token = 0;
  #stop = new AbortController();
  #running;
  #pumping = false;

  // member is {id, boot, addr}; worker is the Worker; number that of the first command;
  // missed says that sends may have passed this gateway over before it was known.
  constructor(member, worker, number, missed) {
    this.#member = member;
    this.#worker = worker;
    this.#missed = missed;
    this.#log = new Outlog(number, () => this.#pump());
    this.#inbox = new Inbox(eventsOf(this, worker.handler, worker.sender), (n) => (worker.busy += n), {
      run: (event, wanted, work) => worker.crew.run(this, event, wanted, work),
      poke: () => worker.crew.poke(),
    });
    this.#running = this.#run();
  }

  get boot() { return this.#member.boot; }
  get node() { return this.#member.id; }
  get inbox() { return this.#inbox; }
  get live() { return this.#log.live; }
  get nextNumber() { return this.#log.next; }

  // mayHave says whether a conn of a group, or of a user, may be here.
  mayHave({ group, user }) {
    return !this.routes.trusted || (group === undefined ? this.routes.hasUser(user) : this.routes.hasGroup(group));
  }

  command(make, signal) { return this.#log.command(make, signal); }
  note(record) { this.#log.note(record); }
  roomForAcks() { return this.#log.roomForAcks(); }

  // cut ends the stream because what came by it was wrong, or nothing did.
  cut(err) { this.#channel?.close(err); }

  // sayDraining asks for no new conns and gives back those there are.
  sayDraining() { this.#log.note(write.draining()); }

  // heedsAlone says whether the gateway wants to be told of events that run alone.
  get heedsAlone() {
    return this.live && this.#features.includes('alone');
  }

  // sayAlone tells that an event runs alone, and resolves when that is noted; or that it is
  // over, and resolves when that has left. event is null if it is another gateway's.
  sayAlone(n, event, over) {
    this.#log.note(write.alone(n, event, over));
    return over ? this.#sent() : new Promise((resolve) => this.#noted.set(n, resolve));
  }

  // sent resolves when the stream has been given what the log holds now, or has ended.
  async #sent() {
    while (this.live && !this.#log.sent) await this.#log.changed();
    await new Promise(setImmediate);
  }

  // givenBack resolves when nothing of the gateway is ours any more.
  async givenBack(signal) {
    while (this.live && !this.drained) await this.#log.changed(signal);
  }

  // settled resolves when all that was commanded is applied; no more is taken.
  async settled(signal) {
    this.#log.end(new Error('this worker ends'));
    while (!this.#log.flushed && !(this.#leaving && this.#log.isAway)) await this.#log.changed(signal);
  }

  // goodbye ends the stream in order, and all dialling.
  async goodbye() {
    this.#stop.abort();
    const stream = this.#stream;
    this.#stream = null; // nothing is written behind the end
    stream?.end();
    await within(this.#running, GOODBYE_MS, 'the gateway did not end the stream').catch((err) => this.#channel?.close(err));
    await this.#running;
    this.#log.close(new Error('this worker has ended'));
  }

  // gone: the view has dropped it.
  async gone() {
    this.#stop.abort();
    this.#log.close(new Error('the gateway has left the cluster'));
    this.#channel?.close(new Error('it has left the cluster'));
    await this.#running;
    this.#inbox.lost();
  }

  async #run() {
    let told = '';
    for (let attempt = 0; !this.#stop.signal.aborted; attempt++) {
      const { attached, err } = await this.#serve(attempt);
      if (this.#stop.signal.aborted) return;
      if (attached) [attempt, told] = [0, ''];
      if (err.message !== told) log[this.#leaving ? 'info' : 'warn']('link is down', { gateway: this.node, addr: this.#member.addr, err });
      told = err.message; // so that a gateway that is down is one line
      await sleep(pause(attempt), this.#stop.signal);
    }
  }

  // serve is one stream, from dialling to its end.
  async #serve(attempt) {
    const channel = (this.#channel = new Channel(this.#member.addr, this.#worker.tls));
    let attached = false;
    try {
      const { secrets } = this.#worker;
      const stream = channel.open(LinkService.Attach);
      const first = await within(this.#greet(stream, secrets[attempt % secrets.length] ?? ''), ATTACH_MS, 'not attached');
      attached = true;
      await this.#live(stream, first);
      throw new Error('the gateway has ended the stream');
    } catch (err) {
      return { attached, err };
    } finally {
      channel.close();
      this.#channel = null;
    }
  }

  // greet passes the handshake and attaches. It resolves to the gateway's first records.
  async #greet(stream, secret) {
    const worker = this.#worker;
    const wrong = unguarded(this.#member.addr, worker.secrets, worker.tls);
    if (wrong) throw new Error(wrong);
    const peer = await shake(stream.steps(), worker.identity, 'gateway', this.boot, secret, ['alone', 'drain']);
    const serves = !worker.draining;
    stream.write({ records: write.attach(Attach.encode({ servesEvents: serves, labels: worker.labels, missed: this.#missed })) });
    const answer = await stream.receive();
    if (!answer) throw new Error('the gateway has ended the stream');
    const records = read(answer.records);
    const { value: first } = records.next();
    if (first?.kind !== Kind.ATTACHED) throw new Error('the first record is not Attached');
    this.drained = !serves;
    return { info: Attached.decode(first.body), features: peer.features, records };
  }

  // live serves a stream until the gateway has ended it; it throws when something else does.
  async #live(stream, { info, features, records }) {
    this.maxSessionBytes = info.maxSessionBytes;
    this.#missed = this.#leaving = false;
    this.#stream = stream;
    this.#features = features;
    this.#inbox.resume();
    this.#log.attach(Number(info.lastCommand));
    this.#worker.linkAlive(this.boot, true);
    log.info('attached to gateway', { gateway: this.node, addr: this.#member.addr });
    if (this.#worker.draining && !this.drained) this.sayDraining(); // it began meanwhile
    const beat = this.#beat();
    try {
      for (;;) {
        this.#apply(records, info.routeLeaseMs);
        const message = await stream.receive();
        if (!message) return;
        if (message.handshake) throw new Error('a step of the handshake after its end');
        records = read(message.records);
        beat.heard();
      }
    } finally {
      beat.stop();
      this.#stream = null;
      this.routes.void();
      this.#log.detach();
      for (const noted of this.#noted.values()) noted();
      this.#noted.clear();
      this.#inbox.suspend();
      this.#worker.linkAlive(this.boot, false);
    }
  }

  // beat gives a sign of life and asks for the lease, and ends a stream that is silent.
  #beat() {
    let heard = performance.now();
    let ticked = heard;
    const tick = () => {
      const sent = now();
      if (sent.mono - ticked > PATIENCE_MS / 2) heard = sent.mono; // we stood still, not the gateway
      ticked = sent.mono;
      if (sent.mono - heard > PATIENCE_MS) return this.cut(new Error(`no record for ${PATIENCE_MS} ms`));
      this.#beats.set(++this.#token, sent);
      this.#log.note(write.beat(this.#token, this.#log.awaiting, this.#worker.busy));
    };
    const timer = setInterval(tick, BEAT_MS);
    tick();
    return {
      heard: () => (heard = performance.now()),
      stop: () => {
        clearInterval(timer);
        this.#beats.clear();
      },
    };
  }

  // apply does what records say, in order. It waits for nothing.
  #apply(records, leaseMs) {
    let delta = 0n; // the highest to be acknowledged
    for (const record of records) {
      switch (record.kind) {
        case Kind.OPEN:
        case Kind.MESSAGE:
        case Kind.CLOSED:
        case Kind.CONTEXT:
          this.#inbox.put(record);
          break;
        case Kind.REVOKED:
          this.#inbox.revoke(record.conn, record.term);
          break;
        case Kind.SNAPSHOT_BEGIN:
          this.routes.begin();
          break;
        case Kind.DELTA:
          this.routes.set(record);
          if (record.seq > delta) delta = record.seq;
          break;
        case Kind.SNAPSHOT_END:
          if (!this.routes.end()) throw new Error('a snapshot ends that has not begun');
          if (record.seq > delta) delta = record.seq;
          break;
        case Kind.GRANTED:
          this.#granted(record.token, leaseMs);
          break;
        case Kind.APPLIED:
          this.#log.apply(record.n);
          break;
        case Kind.RESULT:
          this.#log.result(record.n, record.body);
          break;
        case Kind.LEAVING:
          if (!this.#leaving) log.info('gateway is draining', { gateway: this.node });
          this.#leaving = true;
          break;
        case Kind.DRAINED:
          this.drained = true;
          this.#log.poke();
          break;
        case Kind.DRAIN:
          if (!this.#worker.draining) log.info('asked to drain', { gateway: this.node });
          this.#worker.leave();
          break;
        case Kind.ALONE_NOTED:
          this.#noted.get(record.n)?.();
          this.#noted.delete(record.n);
          break;
        case Kind.ATTACHED:
          throw new Error('attached twice');
      }
    }
    if (delta > 0n) this.#log.note(write.deltaAck(delta));
  }

  #granted(token, leaseMs) {
    if (!this.#beats.has(token)) throw new Error('a beat is granted that was never sent');
    this.routes.grant(this.#beats.get(token), leaseMs);
    for (const older of this.#beats.keys()) if (older <= token) this.#beats.delete(older);
  }

  // pump gives the stream what the log holds: all that one turn of the event loop has
  // brought leaves together.
  #pump() {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(async () => {
      for (let batch; this.#stream && (batch = this.#log.take()); ) {
        const stream = this.#stream;
        if (!stream.write({ records: batch })) await stream.room();
      }
      this.#pumping = false;
    });
  }
}
