/**
 * One script for each question, so that each is one round trip and atomic. A claim in progress is kept as `p:<token>`, a
 * completed message as `c:<token>`; both end by the expiry of the key, which Redis counts. What is kept under a key and is neither is
 * somebody else's: an error, because it says nothing about a message.
 */

/** What is kept under a key, as locals `found` and `state`. */
const read = (key: string) => `
local found = redis.call('GET', ${key})
local state = found and string.sub(found, 1, 2)
if found and state ~= 'p:' and state ~= 'c:' then
  return redis.error_reply('FOREIGN the key holds something that leveret did not write')
end`;

/** Answers for another's claim. */
const ANSWER = (key: string) => `
  if state == 'c:' then return 'completed' end
  return redis.call('PTTL', ${key})`;

/** KEYS: the key. ARGV: token, lease in ms. Answers 'claimed', 'completed', or the milliseconds left of another's claim. */
export const CLAIM = `${read('KEYS[1]')}
if not found or found == 'p:' .. ARGV[1] then
  redis.call('SET', KEYS[1], 'p:' .. ARGV[1], 'PX', ARGV[2])
  return 'claimed'
end${ANSWER('KEYS[1]')}`;

/** KEYS: a key. Answers 'free', 'completed', or the milliseconds left of a claim. */
export const LOOK = `${read('KEYS[1]')}
if not found then return 'free' end${ANSWER('KEYS[1]')}`;

/** As {@link CLAIM}, unless the message has a second key: the one that a version without services wrote. */
export const CLAIM_BESIDE = `do${read('KEYS[2]')}
if found then${ANSWER('KEYS[2]')} end
end${CLAIM}`;

/** KEYS: the key. ARGV: token, time to live in ms. Answers 1 when it is remembered, 0 when the key is another's. */
export const COMPLETE = `${read('KEYS[1]')}
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

/** KEYS: the record of a service. ARGV: names and values. Writes them down, and answers what was there before, '' for nothing. */
export const RECORD = `
local before = {}
for i = 1, #ARGV, 2 do
  before[#before + 1] = redis.call('HGET', KEYS[1], ARGV[i]) or ''
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
return before`;

/** What the server says of its memory, in the words of `INFO memory`. */
export const MEMORY = `return redis.call('INFO', 'memory')`;
