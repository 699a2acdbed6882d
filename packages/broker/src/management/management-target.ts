import type { User } from '../connection/authentication.js';
import type { Connection } from '../connection/connection.js';
import type { ConnectionEnvironment } from '../connection/connection-environment.js';
import type { VirtualHost } from '../vhost/virtual-host.js';

/** What the management API shows and changes. */
export interface ManagementTarget {
  readonly environment: ConnectionEnvironment;
  readonly connections: Iterable<Connection>;
  readonly vhosts: Iterable<VirtualHost>;
  /** Names that the Host header of a request may have, besides addresses, `localhost` and the name of the machine. */
  readonly hostNames: readonly string[];
  /** Port of the AMQP listener. */
  readonly port: number;
  /** Creates a virtual host; this user may do everything in it. `false` when it is there already. */
  createVirtualHost(name: string, user: User): boolean;
  /** Closes its connections and removes it; `false` when it is not there. */
  deleteVirtualHost(name: string): boolean;
}
