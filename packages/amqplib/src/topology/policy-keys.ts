/** Arguments that a policy can set on what exists, so that nobody needs to delete it, with the key that a policy has for each. */
const POLICY_KEYS: Readonly<Record<string, string>> = {
  'x-queue-mode': 'queue-mode',
  'x-message-ttl': 'message-ttl',
  'x-expires': 'expires',
  'x-max-length': 'max-length',
  'x-max-length-bytes': 'max-length-bytes',
  'x-overflow': 'overflow',
  'x-dead-letter-exchange': 'dead-letter-exchange',
  'x-dead-letter-routing-key': 'dead-letter-routing-key',
  'x-dead-letter-strategy': 'dead-letter-strategy',
  'x-delivery-limit': 'delivery-limit',
};

/** The key with which a policy sets this argument of a queue or an exchange; `undefined` when none can. */
export function policyKeyOf(kind: string, argument: string): string | undefined {
  if (kind === 'exchange') return argument === 'alternate-exchange' ? argument : undefined;
  return kind === 'queue' && Object.hasOwn(POLICY_KEYS, argument) ? POLICY_KEYS[argument] : undefined;
}
