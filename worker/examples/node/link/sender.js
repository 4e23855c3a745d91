// Sends to conns, users, groups and everybody, on whatever gateway they are. A send costs
// one command for each gateway that has somebody of them, or may have.
import { createHash } from 'node:crypto';
import { frameOf, parseConnId } from './conn.js';
import { Class, Target } from './records.js';
import * as write from './write.js';

const SEND_MS = 5000; // until a gateway that does not answer is named as lost

export class Sender {
  #gateways;

  // gateways gives those of the view.
  constructor(gateways) {
    this.#gateways = gateways;
  }

  // toGroup sends what (see conn.reply) to all conns of a group. Of each send: once is a key
  // of what is sent (up to 5,000 bytes); a gateway that has had it, from whichever worker,
  // within the last minute does not deliver again. except are ids of conns that are left
  // out. It resolves when every gateway has answered, to {hit, dropped, missed, lost}: conns
  // that it was queued for, conns whose queue was full, targets without any conn on a
  // gateway that was asked, and the gateways that did not answer, by name.
  toGroup(group, what, options) {
    return this.#send(this.#having({ group }), { target: Target.GROUPS, targets: [group] }, what, options);
  }

  toUser(user, what, options) {
    return this.#send(this.#having({ user }), { target: Target.USERS, targets: [user] }, what, options);
  }

  toAll(what, options) {
    return this.#send([...this.#gateways()], { target: Target.ALL }, what, options);
  }

  // toConn sends to one conn, by its id.
  toConn(id, what, options) {
    const { boot, conn } = parseConnId(id);
    const at = [...this.#gateways()].filter((gateway) => gateway.boot === boot);
    return this.#send(at, { target: Target.CONNS, targets: [conn] }, what, options);
  }

  #having(name) {
    return [...this.#gateways()].filter((gateway) => gateway.mayHave(name));
  }

  async #send(gateways, to, what, { once, except = [], droppable = false, signal } = {}) {
    const excluded = except.map(parseConnId);
    const until = new AbortController();
    const giveUp = () => until.abort(signal?.reason ?? new Error('no answer'));
    const late = setTimeout(giveUp, SEND_MS);
    signal?.addEventListener('abort', giveUp);
    const total = { hit: 0, dropped: 0, missed: 0, lost: [] };
    const parts = gateways.map(async (gateway) => {
      const send = {
        ...to,
        class: droppable ? Class.DROPPABLE : Class.MUST,
        bodies: [frameOf(what)],
        except: excluded.filter(({ boot }) => boot === gateway.boot).map(({ conn }) => conn),
        once: once === undefined ? null : onceKey(once),
        wantResult: true,
      };
      write.send({ ...send, n: 0 }); // what breaks a bound is the caller's mistake, on all gateways
      const result = await gateway.command((n) => write.send({ ...send, n }), until.signal).catch((err) => ({ err }));
      if (result.err) return total.lost.push(gateway.node);
      for (const count of ['hit', 'dropped', 'missed']) total[count] += result[count] ?? 0;
    });
    try {
      await Promise.all(parts);
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', giveUp);
    }
    signal?.throwIfAborted();
    return total;
  }
}

// onceKey is what workers of this repository make of a text, so that one of ours that
// handles an event again after one of theirs, or the other way, sends it once.
const onceKey = (text) => createHash('sha256').update(text).digest().subarray(0, 16);
