import type { VersionProfile } from '../version/version-profile.js';
import { type FieldTable, longstr } from '../wire/field-table.js';

const CAPABILITIES = [
  'publisher_confirms',
  'exchange_exchange_bindings',
  'basic.nack',
  'consumer_cancel_notify',
  'connection.blocked',
  'consumer_priorities',
  'authentication_failure_close',
  'per_consumer_qos',
  'direct_reply_to',
];

/** What the server says of itself in connection.start; clients read version and capabilities from it. */
export function serverProperties(profile: VersionProfile, clusterName: string): FieldTable {
  const capabilities: FieldTable = CAPABILITIES.map((name) => [name, { tag: 't', value: true }]);
  return [
    ['capabilities', { tag: 'F', value: capabilities }],
    ['cluster_name', longstr(clusterName)],
    ['copyright', longstr(profile.copyright)],
    ['information', longstr('Licensed under the MPL 2.0. Website: https://rabbitmq.com')],
    ['platform', longstr(profile.platform)],
    ['product', longstr('RabbitMQ')],
    ['version', longstr(profile.release)],
  ];
}
