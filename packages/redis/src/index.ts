export {
  type RedisClientOptions,
  RedisIdempotencyStore,
  type RedisScripting,
  type RedisStoreOptions,
} from './redis-idempotency-store.js';
