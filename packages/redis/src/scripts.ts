/**
 * One script for each question, so that each is one round trip and atomic. A claim in progress is kept as `p:<token>`, a
 * completed message as `c:<token>`; both end by the expiry of the key, which Redis counts. Always sent as a whole: a
 * server that has restarted has forgotten scripts, and they are short.
 */

/** KEYS: the key. ARGV: token, lease in ms. Answers 'claimed', 'completed', or the milliseconds left of another's claim. */
export const CLAIM = `
local found = redis.call('GET', KEYS[1])
if not found or found == 'p:' .. ARGV[1] then
  redis.call('SET', KEYS[1], 'p:' .. ARGV[1], 'PX', ARGV[2])
  return 'claimed'
end
if string.sub(found, 1, 2) == 'c:' then return 'completed' end
return redis.call('PTTL', KEYS[1])`;

/** KEYS: the key. ARGV: token, time to live in ms. Answers 1 when it is remembered, 0 when the key is another's. */
export const COMPLETE = `
local found = redis.call('GET', KEYS[1])
if found and string.sub(found, 3) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], 'c:' .. ARGV[1], 'PX', ARGV[2])
return 1`;

/** KEYS: the key. ARGV: token. */
export const RELEASE = `
if redis.call('GET', KEYS[1]) ~= 'p:' .. ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`;

/** KEYS: the key. ARGV: token, lease in ms. Answers 1 when the lease runs from now, 0 when it had ended. */
export const RENEW = `
if redis.call('GET', KEYS[1]) ~= 'p:' .. ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;
