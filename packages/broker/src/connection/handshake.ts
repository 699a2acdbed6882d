import { type RealTimer, startTimer, stopTimer } from '../clock/timers.js';
import { type AmqpError, connectionError } from '../errors/amqp-error.js';
import type { VirtualHost } from '../vhost/virtual-host.js';
import { fromBinaryText } from '../wire/binary-text.js';
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
  /** Closes with a reason, which whoever runs the broker is told as well. */
  refuse(error: AmqpError, method: number, why: string): void;
  /** Closes without a word to the client. */
  drop(why: string): void;
  /** It is not let in, and will be dropped. */
  tell(why: string): void;
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
    const slow = `it did not end the handshake within ${HANDSHAKE_TIMEOUT_MS / 1000} s`;
    this.#timer = startTimer(() => actions.drop(slow), HANDSHAKE_TIMEOUT_MS);
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
      this.#actions.drop(`it sent ${name} where ${this.#expected} was expected`);
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
      this.#actions.drop(`it cannot log in by ${shown(mechanism)}; there is ${profile.mechanisms}`);
      return;
    }
    this.#user = authenticate(users, credentials);
    if (this.#user === undefined) {
      const user = shown(credentials.name);
      this.#refuseLogin(mechanism, `there is no user ${user} with this password`);
      return;
    }
    this.#expected = 'connection.tune-ok';
    this.#actions.send('connection.tune', { channelMax, frameMax, heartbeat: heartbeatSeconds });
  }

  #refuseLogin(mechanism: string, why: string): void {
    if (!this.#capabilities.has('authentication_failure_close')) {
      this.stop();
      this.#actions.tell(why);
      this.#timer = startTimer(() => this.#actions.drop(''), SILENT_REFUSAL_MS);
      return;
    }
    const text = `Login was refused using authentication mechanism ${mechanism}. For details see the broker logfile.`;
    this.#actions.refuse(connectionError(403, text), 0, why);
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
      this.#actions.drop(tuneFault(wanted, this.#environment));
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
      const why = `there is no virtual host ${shown(name)}: --vhost, or the option vhosts, makes one`;
      this.#actions.refuse(connectionError(530, `vhost ${name} not found`), methodId('connection.open'), why);
      return;
    }
    if (!user.permissions.has(name)) {
      const text = `access to vhost '${name}' refused for user '${user.name}'`;
      const why = `user ${shown(user.name)} may not use the virtual host ${shown(name)}`;
      this.#actions.refuse(connectionError(530, text), methodId('connection.open'), why);
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

/** Why what a client asks for cannot be given; RabbitMQ hangs up on it without a word. */
function tuneFault(
  wanted: { readonly channelMax: number; readonly frameMax: number },
  { channelMax, frameMax, profile }: ConnectionEnvironment,
): string {
  const { frameMaxMinimum: least, release } = profile;
  if (wanted.frameMax !== 0 && wanted.frameMax < least) {
    return `it asks for frames of ${wanted.frameMax} bytes, and RabbitMQ ${release} takes none below ${least}. Let the client ask for ${least} or more (amqplib: amqp://...?frameMax=${least}, or a newer amqplib), or behave as RabbitMQ 3.10 (--version 3.10)`;
  }
  if (wanted.frameMax === 0 || wanted.frameMax > frameMax) {
    return `it asks for frames of ${wanted.frameMax || 'any number of'} bytes, and ${frameMax} is the most that was offered`;
  }
  return `it asks for ${wanted.channelMax || 'any number of'} channels, and ${channelMax} is the most that was offered`;
}

/** What a client sent, for a terminal: at most a line. */
function shown(binary: string): string {
  return JSON.stringify(fromBinaryText(binary).slice(0, MOST_SHOWN)).replaceAll(/[\u007f-\u009f\u2028\u2029]/g, '?');
}

const MOST_SHOWN = 100;
