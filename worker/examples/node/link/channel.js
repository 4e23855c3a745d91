// One gRPC connection and the streams on it, as promises. A Channel never dials again by
// itself: a gateway gives a connection that has not passed the handshake a few seconds and
// one of a few places, so one that came to nothing is closed and another is made.
import { createSecureContext } from 'node:tls';
import { Client, credentials } from '@grpc/grpc-js';
import { Max } from './records.js';

const options = {
  'grpc.use_local_subchannel_pool': 1, // a connection of its own
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.max_receive_message_length': Max.BATCH + (64 << 10), // and the envelope
  'grpc.max_send_message_length': Max.BATCH + (64 << 10),
};

export class Channel {
  #client;
  #streams = [];
  #cause = null;

  // tls is {ca, cert, key} in PEM, each of which may be missing; null: no TLS. The other end
  // has to show a certificate of ca (the system's authorities) for the host of addr.
  constructor(addr, tls) {
    this.#client = new Client(addr, tls ? secured(tls) : credentials.createInsecure(), options);
  }

  // open begins a call of a method, one of protos.js.
  open(method) {
    const call = this.#client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
    const stream = new Stream(call, () => this.#cause);
    this.#streams.push(stream);
    if (this.#cause) stream.cancel();
    return stream;
  }

  // close ends all streams; whoever waits for one gets the cause.
  close(cause = new Error('closed')) {
    if (this.#cause) return;
    this.#cause = cause;
    for (const stream of this.#streams) stream.cancel();
    this.#client.close();
  }
}

const secured = (tls) => credentials.createFromSecureContext(createSecureContext({ ...tls, minVersion: 'TLSv1.3' }));

// Stream is one call. One reader at a time.
class Stream {
  #call;
  #cause;
  #messages;
  #room = null; // resolves when the call takes more; null while it does
  #ended;

  constructor(call, cause) {
    this.#call = call;
    this.#cause = cause;
    this.#messages = call[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve) => {
      call.on('error', resolve); // the reader is told as well
      call.on('status', resolve);
    });
  }

  // receive resolves to the next message, or to null when the other end has ended the
  // stream in order.
  async receive() {
    try {
      const { value, done } = await this.#messages.next();
      if (this.#cause()) throw this.#cause();
      return done ? null : value;
    } catch (err) {
      throw this.#cause() ?? new Error(err.details || err.message, { cause: err });
    }
  }

  // write gives the call a message and reports whether it takes more at once.
  write(message) {
    if (!this.#call.write(message)) {
      this.#room = Promise.race([new Promise((resolve) => this.#call.once('drain', resolve)), this.#ended]).then(() => {
        this.#room = null;
      });
    }
    return this.#room === null;
  }

  // room resolves when the call takes more, or has ended.
  room() {
    return this.#room ?? Promise.resolve();
  }

  // end tells the other end that nothing more comes.
  end() {
    this.#call.end();
  }

  cancel() {
    this.#call.cancel();
  }

  // steps carries the handshake.
  steps() {
    return {
      send: (step) => this.write({ handshake: step }),
      receive: async () => (await this.receive())?.handshake,
    };
  }
}
