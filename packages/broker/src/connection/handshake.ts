import { type RealTimer, startTimer, stopTimer } from '../clock/timers.js';
import { type AmqpError, connectionError } from '../errors/amqp-error.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import { type FieldTable, lookup } from '../wire/field-table.js';
import { type MethodArguments, type MethodName, type MethodValue, methodId } from '../wire/methods.js';
import { authenticate, readCredentials, type User } from './authentication.js';
import type { ConnectionEnvironment } from './connection-environment.js';
import { serverProperties } from './server-properties.js';

/** Who is at the other end, once the connection is open. */
export interface ClientIdentity {
  readonly user: User;
  readonly vhost: VirtualHost;
  readonly clientProperties: FieldTable;
  /** Extensions the client declared. */
  readonly capabilities: ReadonlySet<string>;
  readonly channelMax: number;
  readonly frameMax: number;
  /** 0 for none. */
  readonly heartbeatSeconds: number;
}

/** What a handshake can do to its connection. */
export interface HandshakeActions {
  send(name: MethodName, values?: Readonly<Record<string, MethodValue>>): void;
  /** Closes with a reason. */
  refuse(error: AmqpError, method: number): void;
  /** Closes without a word. */
  drop(): void;
  opened(identity: ClientIdentity): void;
}

/** How long a client that cannot be told waits for its socket to close after a wrong password. */
const SILENT_REFUSAL_MS = 3_000;
/** How long a handshake may take in all. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Start, tune and open, up to a running connection.
 *
 * @see https://www.rabbitmq.com/docs/connections#flow
 */
export class Handshake {
  readonly #environment: ConnectionEnvironment;
  readonly #actions: HandshakeActions;
  #expected: MethodName = 'connection.start-ok';
  #user: User | undefined;
  #clientProperties: FieldTable = [];
  #capabilities: ReadonlySet<string> = new Set();
  #tuned = { channelMax: 0, frameMax: 0, heartbeatSeconds: 0 };
  #timer: RealTimer | undefined;

  constructor(environment: ConnectionEnvironment, actions: HandshakeActions) {
    this.#environment = environment;
    this.#actions = actions;
    this.#timer = startTimer(() => actions.drop(), HANDSHAKE_TIMEOUT_MS);
  }

  /** The protocol header was right: the server speaks first. */
  start(): void {
    const { profile, clusterName } = this.#environment;
    this.#actions.send('connection.start', {
      versionMajor: 0,
      versionMinor: 9,
      serverProperties: serverProperties(profile, clusterName),
      mechanisms: profile.mechanisms,
      locales: 'en_US',
    });
  }

  handle(name: MethodName, method: MethodArguments): void {
    if (name !== this.#expected) {
      this.#actions.drop();
      return;
    }
    if (name === 'connection.start-ok') this.#login(method);
    else if (name === 'connection.tune-ok') this.#tune(method);
    else this.#open(method);
  }

  stop(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
  }

  #login(method: MethodArguments): void {
    this.#clientProperties = method.table('clientProperties');
    this.#capabilities = declaredCapabilities(this.#clientProperties);
    const mechanism = method.text('mechanism');
    const { profile, users, channelMax, frameMax, heartbeatSeconds } = this.#environment;
    const credentials = profile.mechanisms.split(' ').includes(mechanism)
      ? readCredentials(mechanism, method.text('response'))
      : undefined;
    if (credentials === undefined) {
      this.#actions.drop();
      return;
    }
    this.#user = authenticate(users, credentials);
    if (this.#user === undefined) {
      this.#refuseLogin(mechanism);
      return;
    }
    this.#expected = 'connection.tune-ok';
    this.#actions.send('connection.tune', { channelMax, frameMax, heartbeat: heartbeatSeconds });
  }

  #refuseLogin(mechanism: string): void {
    if (!this.#capabilities.has('authentication_failure_close')) {
      this.stop();
      this.#timer = startTimer(() => this.#actions.drop(), SILENT_REFUSAL_MS);
      return;
    }
    const text = `Login was refused using authentication mechanism ${mechanism}. For details see the broker logfile.`;
    this.#actions.refuse(connectionError(403, text), 0);
  }

  /** A client may ask for less than offered; 0 means no limit, which is more. */
  #tune(method: MethodArguments): void {
    const { channelMax, frameMax, profile } = this.#environment;
    const wanted = {
      channelMax: method.number('channelMax'),
      frameMax: method.number('frameMax'),
      heartbeatSeconds: method.number('heartbeat'),
    };
    const acceptable =
      wanted.channelMax > 0 &&
      wanted.channelMax <= channelMax &&
      wanted.frameMax >= profile.frameMaxMinimum &&
      wanted.frameMax <= frameMax;
    if (!acceptable) {
      this.#actions.drop();
      return;
    }
    this.#tuned = wanted;
    this.#expected = 'connection.open';
  }

  #open(method: MethodArguments): void {
    const user = this.#user;
    if (user === undefined) return;
    const name = method.text('virtualHost');
    const vhost = this.#environment.virtualHost(name);
    if (vhost === undefined) {
      this.#actions.refuse(connectionError(530, `vhost ${name} not found`), methodId('connection.open'));
      return;
    }
    if (!user.permissions.has(name)) {
      const text = `access to vhost '${name}' refused for user '${user.name}'`;
      this.#actions.refuse(connectionError(530, text), methodId('connection.open'));
      return;
    }
    this.stop();
    this.#actions.send('connection.open-ok');
    const clientProperties = this.#clientProperties;
    const capabilities = this.#capabilities;
    this.#actions.opened({ user, vhost, clientProperties, capabilities, ...this.#tuned });
  }
}

function declaredCapabilities(clientProperties: FieldTable): Set<string> {
  const table = lookup(clientProperties, 'capabilities');
  if (table?.tag !== 'F') return new Set();
  const declared = (table.value as FieldTable).filter(([, field]) => field.value === true);
  return new Set(declared.map(([key]) => key));
}
