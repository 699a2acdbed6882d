export type { RedisClientOptions, RedisScripting } from './redis-client.js';
export { RedisIdempotencyStore, type RedisStoreOptions } from './redis-idempotency-store.js';
