import type { Permission } from '../channel/channel-host.js';
import type { User } from './authentication.js';

/** What a resource is called in permissions: the default exchange has a name there. */
export function resourceName(kind: 'queue' | 'exchange', name: string): string {
  return kind === 'exchange' && name === '' ? 'amq.default' : name;
}

/**
 * Whether a user may do this to the resource of that {@link resourceName}.
 *
 * @see https://www.rabbitmq.com/docs/access-control#authorisation
 */
export function isPermitted(user: User, vhost: string, permission: Permission, resource: string): boolean {
  return user.permissions.get(vhost)?.[permission].test(resource) === true;
}
