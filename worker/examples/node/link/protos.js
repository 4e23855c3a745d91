// Loads the protos: what is not a record on the wire. The folder protos/ beside link/ has
// them, protos/parley/gateway/v1/link.proto and so on.
import { fileURLToPath } from 'node:url';
import protoLoader from '@grpc/proto-loader';

const loaded = protoLoader.loadSync(['parley/gateway/v1/link.proto', 'parley/register/v1/register.proto'], {
  includeDirs: [fileURLToPath(new URL('../protos', import.meta.url))],
  longs: String, // 64 bits do not fit into a number
  enums: String,
  defaults: true,
  oneofs: true,
});

// The methods of both services, by name, as @grpc/grpc-js takes them.
export const LinkService = loaded['parley.gateway.v1.LinkService'];
export const RegisterService = loaded['parley.register.v1.RegisterService'];

// A body is a message that travels inside a record. decode throws when it is malformed.
const body = (name) => {
  const { serialize, deserialize } = loaded[`parley.gateway.v1.${name}`];
  return { encode: serialize, decode: deserialize };
};
export const Attach = body('Attach');
export const Attached = body('Attached');
export const Open = body('Open');
export const Context = body('ConnContext');
export const Closed = body('Closed');
export const Effects = body('Effects');
export const Command = body('Command');
export const Result = body('Result');
