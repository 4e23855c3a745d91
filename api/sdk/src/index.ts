// The client of the chat for browsers. See Client.

export type * from './chat.ts';
export { Client } from './client.ts';
export { ParleyError } from './error.ts';
export type * from './model.ts';
