// A worker: it finds the gateways by the registers, serves each, and gives everything back
// when it is told to end.
import { sleep } from './backoff.js';
import { Crew } from './crew.js';
import { HANDLER_MS } from './events.js';
import { Gateway } from './gateway.js';
import { newBoot } from './handshake.js';
import { log } from './log.js';
import { Directory } from './register.js';
import { Sender } from './sender.js';

const MAX_NUMBERS = 4096; // gateways that left whose numbers are remembered
const NOTED_MS = 1000; // that an event which is to run alone waits for the gateways
const LEAVE_MS = 2000; // of a drain, for the registers

export class Worker {
  draining = false;
  busy = 0; // conns whose events are handled or wait to be, of all gateways: our load
  identity;
  secrets;
  tls;
  labels;
  handler;
  sender = new Sender(() => this.#gateways.values());
  crew = new Crew(HANDLER_MS, (gateway, event) => this.#alone(gateway, event));
  #alones = 0; // events that ran alone
  #gateways = new Map(); // by boot
  #numbers = new Map(); // by boot of gateways that have left: the next number
  #directory;
  #met = false; // the view was whole once
  #over = false; // gateways that come are not dialled any more

  // told resolves when this process is to end.
  told = new Promise((resolve) => (this.leave = resolve));

  // config is {registers, cluster, node, secrets, tls, labels}; handler has onOpen, onMessage and
  // onClose, each optional.
  constructor(config, handler) {
    this.handler = handler;
    this.identity = { cluster: config.cluster, role: 'worker', node: config.node, boot: newBoot(), build: 'node' };
    this.secrets = config.secrets;
    this.tls = config.tls;
    this.labels = config.labels;
    this.#directory = new Directory({ ...config, identity: this.identity });
    this.#directory.on('change', () => this.#follow());
  }

  linkAlive(boot, alive) {
    this.#directory.linkAlive(boot, alive);
  }

  // drain gives the conns back, waits until every command is applied, says goodbye to every
  // gateway and resolves; or after ms, when what is left is redelivered by the gateways.
  async drain(ms) {
    log.info('draining');
    this.draining = true;
    const signal = AbortSignal.timeout(ms);
    const gateways = () => [...this.#gateways.values()];
    try {
      await this.#directory.leave(Math.min(ms, LEAVE_MS));
      for (const gateway of gateways()) if (!gateway.drained) gateway.sayDraining();
      await Promise.all(gateways().map((gateway) => gateway.givenBack(signal)));
      await Promise.all(gateways().map((gateway) => gateway.settled(signal)));
      log.info('drained');
    } catch (err) {
      log.warn('not drained: what is left is handled again elsewhere', { err });
    }
    this.#over = true;
    await Promise.all(gateways().map((gateway) => gateway.goodbye()));
    await this.#directory.close();
  }

  // alone tells every gateway that an event of one is about to run alone, so that each knows
  // what this process died of, should it. It resolves to the function that tells the end:
  // that has left before others begin.
  async #alone(own, event) {
    const n = ++this.#alones;
    const tell = (gateways, over) => gateways.map((gateway) => gateway.sayAlone(n, gateway === own ? event : null, over));
    const told = [...this.#gateways.values()].filter((gateway) => gateway.heedsAlone);
    await Promise.race([Promise.all(tell(told, false)), sleep(NOTED_MS)]);
    return () => Promise.race([Promise.all(tell(told, true)), sleep(NOTED_MS)]);
  }

  // follow makes the gateways equal to the view.
  #follow() {
    if (this.#over) return;
    const before = this.#gateways.size;
    let gone = 0;
    const members = new Map(this.#directory.members.map((member) => [member.boot, member]));
    for (const [boot, member] of members) {
      if (this.#gateways.has(boot)) continue;
      // Before the view is whole nobody sends. Later, whatever was sent passed this one over.
      this.#gateways.set(boot, new Gateway(member, this, this.#numbers.get(boot) ?? 1, this.#met));
    }
    for (const [boot, gateway] of this.#gateways) {
      if (members.has(boot)) continue;
      this.#gateways.delete(boot);
      gone++;
      if (this.#numbers.size >= MAX_NUMBERS) this.#numbers.clear();
      this.#numbers.set(boot, gateway.nextNumber);
      gateway.gone().catch((err) => log.error('gateway', { err }));
    }
    this.#met ||= this.#directory.ready;
    if (gone > 0 || members.size !== before) log.info('gateways known', { count: members.size, gone });
  }
}
